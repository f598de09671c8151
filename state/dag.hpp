// state/dag.hpp
//
// One run of a workflow: which steps may start, which never will, when the job ends. Pure: no task
// ids, no clock, no I/O. The owner writes its decisions down and tells it what became of them.
//
// Owner    exactly one actor; not thread-safe. The plan may be shared.
// Rows     every step has one row from the start, in waiting/dependency, item none (-1). A for_each
//          step's row is a placeholder: when its dependencies are settled it becomes item 0 and the
//          rows of items 1..n-1 are inserted. n = 0: the placeholder is skipped with result [],
//          which dependents take as success.
// Recovery restore() every row found, in any order, then start(): it decides exactly what is not
// yet written. Deciding
//          twice gives the same decisions, so it does not matter which of them reached the disk;
//          expansions may even be half written. One exception: `reopened` of one redrive must be
//          written in one transaction.
// Rules    docs/workflows.md. An empty for_each is seen by others as completed; a fan-out failed
//          when an item did.
// Cost     settled O(out-degree) plus the expressions of steps that become decidable; start O(steps
//          + dependencies).
// Limits   limits::fan_out_max items a step; fan_out_bytes_max bytes of payloads in one expansion.
// Memory   results are kept only for steps whose result somebody reads (step_plan::result_needed).
// Tests    tests/unit/dag_test.cpp, tests/property/dag_test.cpp (against a slow model, with
//          crashes)
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "state/ids.hpp"
#include "state/instant.hpp"
#include "state/job_state.hpp"
#include "state/task_state.hpp"
#include "state/workflow_plan.hpp"

namespace cascade {

inline constexpr std::size_t fan_out_bytes_max = 256u << 20;

struct job_info {
  job_id id;
};

// A row of cascade.task as the graph sees it.
struct step_row {
  step_index step = 0;
  int item = -1;  // SQL null: not a for_each, or one that is not expanded yet
  task_state state = task_state::waiting;
  // Needed for `waiting` only: `dependency` means not released; any other reason means released.
  std::optional<waiting_reason> reason;
  std::optional<nlohmann::json> result;
  std::string error;
};

// What the owner must write, in this order: reopened, then the others in any order, then end. A row
// is in at most one of released, expanded, skipped, failed, cancelled.
struct decisions {
  // waiting/dependency -> pending (or waiting for a delay or a limit). No payload: keep the one in
  // the row.
  struct release {
    step_index step;
    int item;
    std::optional<nlohmann::json> payload;
    std::optional<instant> run_at = {};  // wait_until
  };
  // Item 0 is the placeholder's row, the rest are inserted. All come out released. Usually all
  // `count` items are here; after a crash in the middle of an expansion only the missing ones.
  struct expand {
    struct entry {
      int item;
      nlohmann::json payload;
    };
    step_index step;
    int count;
    std::vector<entry> items;
    std::optional<instant> run_at = {};  // of all of them
  };
  // -> skipped. `reason` belongs in the error column, `result` ([] for an empty for_each) in the
  // result column.
  struct skip {
    step_index step;
    int item;
    std::string reason;
    std::optional<nlohmann::json> result;
  };
  // waiting/dependency -> failed: an expression of the step failed.
  struct fail {
    step_index step;
    int item;
    std::string error;
  };
  // A released, unfinished task is to be cancelled; the graph waits for settled().
  struct cancel {
    step_index step;
    int item;
  };
  // A finished row goes back to waiting/dependency (the event reopen). Its error, result and times
  // are cleared.
  struct reopen {
    step_index step;
    int item;
  };
  struct job_end {
    job_state state;  // completed, failed or cancelled
    nlohmann::json result;
    std::string error;
  };

  std::vector<reopen> reopened;
  std::vector<release> released;
  std::vector<expand> expanded;
  std::vector<skip> skipped;
  std::vector<fail> failed;
  std::vector<cancel> cancelled;
  std::optional<job_end> end;

  bool empty() const noexcept;
};

class job_graph {
public:
  // `input` has its defaults filled in already (the insert trigger of cascade.job does that).
  job_graph(std::shared_ptr<const workflow_plan> plan, nlohmann::json input, job_info job);

  // Takes one row back. Requires: start() was not called; step and item in range.
  void restore(step_row row);
  // Call once, after construction or after the last restore().
  decisions start();
  // A released task reached a finished state. A row that was settled before is ignored, so late and
  // repeated answers do no harm. `result` is read only for `completed`.
  decisions settled(step_index step, int item, task_state state, nlohmann::json result = {},
                    std::string error = {});
  // The job is to end `cancelled`: what is not released is skipped, what is released is to be
  // cancelled. Idempotent. A restart while cancelling must call it again, before start(): the rows
  // do not say that the job is being cancelled.
  decisions cancel();
  // Another round for everything that failed, was cancelled, quarantined or skipped. Items of an
  // expanded for_each keep their payloads. Requires: start() was called.
  decisions redrive();
  // The same for one task and the skipped steps that wait for it. Nothing when it is not failed,
  // cancelled or quarantined.
  decisions redrive(step_index step, int item);

  const workflow_plan& plan() const noexcept { return *plan_; }
  bool ended() const noexcept { return ended_; }
  bool cancelling() const noexcept { return cancelling_; }
  // Rows that are released and not settled.
  std::size_t active_count() const noexcept { return active_count_; }
  bool is_settled(step_index step) const { return steps_[step].phase == step_phase::settled; }
  // Whether the row has not ended.
  bool is_open(step_index step, int item) const;
  // The rows that have not ended of the steps that a step waits for, through any number of
  // dependencies; those of a for_each one by one. O(those steps and rows).
  std::vector<std::pair<step_index, int>> open_before(step_index step) const;

private:
  friend class job_scope;

  enum class step_phase : std::uint8_t { blocked, active, settled };
  enum class skip_cause : std::uint8_t {
    none,
    condition,
    upstream_failed,
    empty_fan_out,
    job_cancelled
  };

  struct item_run {
    task_state state = task_state::waiting;
    bool present = false;  // its row exists
  };
  struct step_run {
    step_phase phase = step_phase::blocked;
    task_state row =
        task_state::waiting;  // of the row without an item; the outcome once the step is settled
    skip_cause cause = skip_cause::none;  // when the outcome is skipped
    bool placeholder = true;              // the row without an item is not item 0 yet
    bool released = false;                // that row is released
    bool incomplete = false;  // more items may be missing; known once the dependencies are settled
    std::uint32_t open_dependencies = 0;
    std::uint32_t open_items = 0;  // items that are not finished
    std::vector<item_run> items;   // of an expanded for_each
    nlohmann::json result;         // when somebody needs it
    nlohmann::json error;          // text, or null
  };
  struct verdict {
    bool run = true;
    skip_cause cause = skip_cause::none;
    std::string reason;
  };

  // dag.cpp: keeping books
  void adopt(step_index i, decisions& out);
  void adopt_items(step_index i, decisions& out);
  void count_open_dependencies();
  void settle_step(step_index i, task_state outcome, skip_cause cause);
  void settle_items(step_index i);
  void cancel_all(decisions& out);
  void mark_skipped_behind(step_index i, std::vector<bool>& marked) const;
  void reset_items(step_index i, std::optional<int> only, decisions& out);
  decisions redrive_marked(const std::vector<bool>& marked, std::optional<int> only_item);
  bool dependencies_settled(step_index i) const;
  skip_cause restored_skip_cause(step_index i) const;

  // dag_decide.cpp: what becomes of a step whose dependencies are settled
  void decide_ready(decisions& out);
  void decide(step_index i, decisions& out);
  verdict run_verdict(step_index i) const;
  bool evaluate_when(step_index i, decisions& out, bool& holds);
  bool wait_until(step_index i, decisions& out, std::optional<instant>& run_at);
  void release_plain(step_index i, decisions& out);
  void expand_step(step_index i, decisions& out);
  std::optional<nlohmann::json> fan_out(step_index i, std::string& error) const;
  std::optional<nlohmann::json> payload(step_index i, const nlohmann::json* item, int index,
                                        std::size_t& work, std::string& error) const;
  void skip_step(step_index i, skip_cause cause, std::string reason, decisions& out);
  void fail_step(step_index i, std::string error, decisions& out);
  void reopen_row(step_index i, decisions& out);
  void finish_if_done(decisions& out);
  bool counts_as_failed(step_index i) const;

  std::shared_ptr<const workflow_plan> plan_;
  nlohmann::json input_;
  nlohmann::json job_;  // what expressions see as `job`
  std::vector<step_run> steps_;
  std::vector<step_index> ready_;  // blocked steps whose dependencies are settled
  std::size_t unsettled_count_ = 0;
  std::size_t active_count_ = 0;
  bool started_ = false;
  bool ended_ = false;
  job_state end_state_ = job_state::running;  // once it ended
  bool cancelling_ = false;
};

}  // namespace cascade
