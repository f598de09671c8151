// tests/actors/limits_fixture.hpp
//
// A scheduler that is told the settings of queues and workflows.
#pragma once

#include "tests/support/played/scheduler_parts.hpp"

namespace cascade {

class scheduler_limits : public scheduler_test {
public:
  scheduler_limits() { slots = 10; }

  void set(std::vector<queue_settings> queues, std::vector<workflow_settings> workflows = {}) {
    queues_loaded q;
    q.generation = 1;
    q.ok = true;
    q.queues = std::move(queues);
    q.workflows = std::move(workflows);
    tell(inbox, scheduler, std::move(q));
    settle();
  }
  static queue_settings full_key(when_full strategy, int most = 1) {
    queue_settings q{.name = "default"};
    q.key_concurrency = most;
    q.strategy = strategy;
    return q;
  }
  void attach_limited(std::int64_t id, int concurrency, const std::string& workflow = "") {
    inbox_page p;
    p.jobs.emplace_back();
    p.jobs.back().id = job_id{id};
    p.jobs.back().workflow = workflow;
    p.jobs.back().concurrency = concurrency;
    page(std::move(p));
    tell(job(id), scheduler, job_attached{job_id{id}, workflow.empty(), false});
    settle();
  }
  static arrival keyed(std::int64_t id, const std::string& key, int priority = 50) {
    arrival a = task(id, priority);
    a.body.concurrency_key = key;
    return a;
  }
  void limit_job(std::int64_t id, const std::string& most) {
    command("limit_job", 0, id, "{\"concurrency\": " + most + "}");
  }
  // Ids that were written as cancelled since the last call, with what was committed before.
  ids cancelled() {
    ids out;
    while (!written.empty())
      for (const unrun_task& u : commit().unrun) {
        EXPECT_EQ(u.state, task_state::cancelled);
        EXPECT_THAT(u.error, testing::HasSubstr("concurrency_key"));
        out.push_back(u.id.value);
      }
    return out;
  }
};

}  // namespace cascade
