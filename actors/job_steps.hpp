// actors/job_steps.hpp
//
// Between a job's graph and its rows: task ids of steps and items, and the translation of decisions
// into a settlement. No actor in sight.
#pragma once

#include <memory>
#include <vector>

#include "actors/rows.hpp"
#include "state/dag.hpp"

namespace cascade {

struct step_defaults {
  int priority = 50;              // of the job
  std::vector<std::string> tags;  // of the node
  std::uint32_t tenant = 0;       // of the job
};

// Tasks that become ready when a settlement is committed.
struct released_steps {
  std::vector<arrival> known;
  std::vector<std::pair<step_index, int>> inserts;  // what each insert of the settlement is
  std::vector<std::pair<std::size_t, arrival>>
      from_inserts;   // position of the insert, and what becomes ready
  bool look = false;  // some wait for a time: the inbox finds them

  void add(arrival&& a, const step_wait& wait) {
    look |= static_cast<bool>(wait);
    if (!wait) known.push_back(std::move(a));
  }
  void add(std::size_t insert, arrival&& a, const step_wait& wait) {
    look |= static_cast<bool>(wait);
    if (!wait) from_inserts.emplace_back(insert, std::move(a));
  }
};

class job_steps {
public:
  job_steps(std::shared_ptr<const workflow_plan> plan, step_defaults defaults);

  // Of all that have not ended in `graph`; steps that are inserted later get it, too.
  void set_priority(int priority, const job_graph* graph);
  // Of some tasks, in this order. A task that is raised raises what it waits for; returns the others
  // whose priority that changes.
  std::vector<task_priority> set_priorities(const std::vector<task_priority>& changes,
                                            const job_graph& graph);
  int priority_of(step_index step, int item) const;
  // Payloads of released tasks are read from their rows from now on, for they have attempts behind
  // them.
  void set_redriven() { redriven_ = true; }

  // `priority`: the row's; none: what the row was made with.
  void remember(step_index step, int item, task_id id, std::optional<int> priority = {});
  task_id id_of(step_index step, int item) const;
  std::optional<std::pair<step_index, int>> find(task_id id) const;  // O(tasks)

  // One row for each step. Those that `d` releases with a payload go in as pending; they leave `d`.
  void insert_all(decisions& d, settlement& out, released_steps& then) const;
  // Everything of `d` but reopened and end.
  void carry(const decisions& d, settlement& out, released_steps& then) const;
  // The ids of the settlement's inserts have come back.
  void inserted(const std::vector<std::pair<step_index, int>>& rows,
                const std::vector<task_id>& ids);

private:
  arrival ready(step_index step, int item, task_id id,
                const std::optional<nlohmann::json>& payload) const;
  new_step_task row(step_index step, int item) const;
  step_wait wait_of(step_index step, const std::optional<instant>& until) const;

  std::shared_ptr<const workflow_plan> plan_;
  step_defaults defaults_;
  struct known_task {
    task_id id;
    std::uint8_t priority = 0;
  };
  const known_task* known(step_index step, int item) const;
  known_task* known(step_index step, int item) {
    return const_cast<known_task*>(std::as_const(*this).known(step, item));
  }
  std::pair<step_index, int> row_at(step_index step, std::size_t position) const;

  std::vector<std::vector<known_task>>
      tasks_;  // by step, then by item; position 0 is also the row without an item
  bool redriven_ = false;
};

}  // namespace cascade
