#include "tests/support/played/actor_test.hpp"

namespace cascade {

actor_test::config::config() {
  add_message_types<caf::id_block::cascade>();
  set("scheduler.policy", caf::atom("testing"));
  set("logger.verbosity", caf::atom("quiet"));
}

actor_test::~actor_test() {
  settle();
  sys.await_actors_before_shutdown(false);
}

void actor_test::settle() {
  while (sched.has_job()) sched.run();
}

void actor_test::elapse(caf::timespan d) {
  settle();
  sched.advance_time(d);
  settle();
}

}  // namespace cascade
