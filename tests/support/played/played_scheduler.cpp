#include "tests/support/played/played_scheduler.hpp"

namespace cascade {

played_scheduler::played_scheduler(engine_test& test) {
  actor = test.spawn_part<scheduler_actor>([this](auto*) {
    return scheduler_actor::behavior_type{
        [](const console_query&) { return console_answer{}; },
        [](const database_changed&) {},
        [](const attach_inbox&) {},
        [](const attach_schedules&) {},
        [this](const clock_read& c) { clock = c.clock; },
        [this](work_arrived& w) { pages.push_back(std::move(w)); },
        [](const tasks_done&) {},
        [](const task_beat&) {},
        [](const quick_lost&) {},
        [](const recorded&) {},
        [this](const job_attached& a) { attached.push_back(a); },
        [this](tasks_released& t) {
          settled += t.settled;
          looks += t.look ? 1 : 0;
          std::move(t.tasks.begin(), t.tasks.end(), std::back_inserter(released));
        },
        [this](const job_ended& e) {
          ended.push_back(e.job);
          commands_obeyed = e.commands;
        },
        [this](const forget_job_tasks& f) { voided.push_back(f.job); },
        [this](const forget_task& f) { forgotten.push_back(f.id); },
        [](const drain&) { return drained{}; },
        [](const tasks_fetched&) {},
        [this](const reprioritize& r) {
          told.push_back(r);
          return reprioritized{raises};
        },
        [](const describe&) { return description{}; },
    };
  });
}

}  // namespace cascade
