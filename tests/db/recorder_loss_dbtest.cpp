// The recorder and a connection that breaks: what was not committed is written once, and a commit
// whose answer was lost is not written again.
#include "tests/db/recorder_fixture.hpp"

namespace cascade {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct recorder_loss : recorder_fixture {
  recorder_loss() {
    settings.batches_in_flight = 2;
    run();
  }
  // The batches are with the server, and it cannot go on.
  void until_sent(std::size_t n) {
    until([&] { return port->writer()->in_flight() >= n; });
    io.poll();
  }
};

TEST_F(recorder_loss, what_was_under_way_or_queued_is_written_exactly_once_after_a_reconnect) {
  const task_id a = make_task(), b = make_task(), c = make_task(), d = make_task();
  auto blocker = database.connect();
  must(blocker.exec_text("begin; select from cascade.task for update"));
  complete(a);
  complete(b);
  complete(c);  // waits for the first two batches
  until_sent(2);
  lose_connection();
  must(blocker.exec_text("rollback"));
  complete(d);
  EXPECT_THAT(answers, IsEmpty());
  EXPECT_EQ(number("select count(*) from cascade.task where status = 'completed'"), 0);
  reconnect();
  until([&] { return answers.size() >= 4; });
  round_trip();
  EXPECT_THAT(answered(), ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(number("select count(*) from cascade.task where status = 'completed'"), 4);
}

TEST_F(recorder_loss, a_commit_whose_answer_was_lost_makes_it_end_instead_of_writing_twice) {
  // Tells when the batch is committed, on a connection of its own.
  run_sql(
      "create function public.tell() returns trigger language plpgsql as "
      "$$ begin perform pg_notify('committed', ''); return null; end $$; "
      "create trigger tell after update on cascade.writer execute function public.tell();");
  auto witness = database.connect();
  must(witness.exec_text("listen committed"));
  const task_id a = make_task();
  auto blocker = database.connect();
  must(blocker.exec_text("begin; select from cascade.task for update"));
  complete(a);
  until_sent(1);
  must(blocker.exec_text("rollback"));
  ASSERT_TRUE(must(witness.wait_notification(pg::deadline::in(60s))).has_value());
  EXPECT_EQ(status_of(a), "completed");
  watch(actor);
  announce({});
  port->close();  // nobody has read the answer
  until([&] { return port->writer() == nullptr && io.poll() == 0; });
  EXPECT_THAT(answers, IsEmpty());
  reconnect();
  const auto why = ended();
  ASSERT_TRUE(why);
  EXPECT_EQ(*why, errc::database_unavailable);
}

TEST_F(recorder_loss, an_idle_connection_that_comes_back_changes_nothing) {
  complete(make_task());
  until([&] { return answers.size() == 1; });
  lose_connection();
  reconnect();
  complete(make_task());
  until([&] { return answers.size() == 2; });
  round_trip();
  EXPECT_THAT(answered(), ElementsAre(1, 2));
  EXPECT_EQ(batches(), 3) << "the resume took a number";
}

TEST_F(recorder_loss, settlements_wait_while_there_is_no_connection) {
  lose_connection();
  const task_id a = make_task();
  complete(a);
  elapse(1h);
  EXPECT_THAT(answers, IsEmpty());
  reconnect();
  until([&] { return !answers.empty(); });
  EXPECT_EQ(status_of(a), "completed");
}

}  // namespace
}  // namespace cascade
