// Every embedded statement can be prepared against the schema; the fence and the inbox keep their
// promises in SQL.
#include <gmock/gmock.h>

#include "pg/connection.hpp"
#include "sql/queries.hpp"
#include "tests/support/postgres.hpp"

namespace cascade {
namespace {

const std::vector<std::string> no_names;

struct queries : ::testing::Test {
  test::test_database database;

  pg::connection connect(const std::string& role = "cascade_engine") {
    pg::connect_options options;
    options.role = role;
    auto c = pg::connection::connect(database.conninfo(), options);
    if (!c) throw std::runtime_error(pg::to_string(c.error()));
    return std::move(c.value());
  }
  static pg::rows must(pg::expected<pg::rows> r) {
    if (!r) throw std::runtime_error(pg::to_string(r.error()));
    return std::move(r.value());
  }
};

TEST_F(queries, all_can_be_prepared) {
  auto c = connect("");
  for (const sql::query* q : sql::all_queries) {
    // Cursors and locks are not prepared; the command line sends the types of its parameters along
    // (tests/db/cli_dbtest.cpp).
    if (std::string_view(q->text).find("\ndeclare ") != std::string_view::npos) continue;
    if (std::string_view(q->text).find("\nlock ") != std::string_view::npos) continue;
    if (std::string_view(q->name).starts_with("cli_")) continue;
    const auto r = c.exec_text("prepare " + std::string(q->name) + " as " + q->text);
    EXPECT_TRUE(r) << q->name << ": " << pg::to_string(r.error());
  }
}

pg::params batch(std::int64_t epoch, std::int16_t writer, std::int64_t number) {
  return pg::params{}.int8(epoch).int2(writer).int8(number);
}

TEST_F(queries, a_batch_after_a_takeover_is_refused_and_one_under_way_is_waited_for) {
  auto first = connect(), second = connect();
  const auto take = [](pg::connection& c) {
    return must(
        c.exec(sql::take_over.text,
               pg::params{}.text("n").int4(1).text("v").texts(no_names).texts(no_names).int4(2)));
  };
  const auto mine = take(first);
  const auto epoch = mine.int64(0, 0);
  EXPECT_FALSE(mine.boolean(0, 1)) << "nobody owned the lanes before";
  ASSERT_TRUE(first.exec(sql::fence.text, batch(epoch, 0, 1)));

  // A batch is open: the takeover waits for it, and gives up here instead of waiting for ever.
  ASSERT_TRUE(first.exec_text("begin"));
  ASSERT_TRUE(first.exec(sql::fence.text, batch(epoch, 0, 2)));
  ASSERT_TRUE(second.exec_text("set lock_timeout = '200ms'"));
  const auto blocked =
      second.exec(sql::take_over.text,
                  pg::params{}.text("m").int4(2).text("v").texts(no_names).texts(no_names).int4(2));
  ASSERT_FALSE(blocked);
  EXPECT_EQ(blocked.error().sqlstate, "55P03");
  ASSERT_TRUE(first.exec_text("commit"));

  const auto theirs = take(second);
  EXPECT_GT(theirs.int64(0, 0), epoch);
  EXPECT_TRUE(theirs.boolean(0, 1)) << "the first owner never said goodbye";
  for (const std::int16_t writer : {0, 1}) {
    const auto fenced = first.exec(sql::fence.text, batch(epoch, writer, writer == 0 ? 3 : 1));
    ASSERT_FALSE(fenced);
    EXPECT_EQ(fenced.error().sqlstate, "CA009");
  }
}

TEST_F(queries, a_batch_number_is_used_once) {
  auto c = connect();
  const auto mine = must(
      c.exec(sql::take_over.text,
             pg::params{}.text("n").int4(1).text("v").texts(no_names).texts(no_names).int4(2)));
  const auto epoch = mine.int64(0, 0);
  ASSERT_TRUE(c.exec(sql::fence.text, batch(epoch, 0, 1)));
  EXPECT_FALSE(c.exec(sql::fence.text, batch(epoch, 0, 1)));
  EXPECT_FALSE(c.exec(sql::fence.text, batch(epoch, 0, 3)));
  ASSERT_TRUE(c.exec(sql::fence.text, batch(epoch, 1, 1))) << "each writer counts for itself";
  ASSERT_TRUE(c.exec(sql::fence.text, batch(epoch, 1, 2)));
  const auto last = must(c.exec(sql::resume_epoch.text, pg::params{}.int8(epoch)));
  ASSERT_EQ(last.size(), 2);
  EXPECT_EQ(last.int64(0, 0), 1);
  EXPECT_EQ(last.int64(1, 0), 2);
}

TEST_F(queries, a_resume_waits_for_what_a_lost_connection_still_writes_and_ends_it) {
  auto lost = connect(), next = connect();
  const auto epoch =
      must(next.exec(
               sql::take_over.text,
               pg::params{}.text("n").int4(1).text("v").texts(no_names).texts(no_names).int4(1)))
          .int64(0, 0);
  ASSERT_TRUE(lost.exec_text("begin"));
  ASSERT_TRUE(lost.exec(sql::fence.text, batch(epoch, 0, 1)));
  ASSERT_TRUE(next.exec_text("set lock_timeout = '200ms'"));
  const auto early = next.exec(sql::resume_epoch.text, pg::params{}.int8(epoch));
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().sqlstate, "55P03");
  ASSERT_TRUE(lost.exec_text("commit"));
  EXPECT_EQ(must(next.exec(sql::resume_epoch.text, pg::params{}.int8(epoch))).int64(0, 0), 1);
  EXPECT_FALSE(lost.exec(sql::fence.text, batch(epoch, 0, 2))) << "it was in its socket";
  EXPECT_TRUE(next.exec(sql::fence.text, batch(epoch, 0, 3)));
}

// The statistics say that there is next to nothing, and a cached plan believes them when the table
// has filled: the whole of it for each of a thousand ids.
TEST_F(queries, rows_are_found_by_key_whatever_the_statistics_say) {
  auto c = connect(), admin = connect("");
  ASSERT_TRUE(admin.exec_text(
      "insert into cascade.task (handler) select 'a' from generate_series(1, 20000)"));
  ASSERT_TRUE(admin.exec_text("delete from cascade.task where id > 1"));
  ASSERT_TRUE(admin.exec_text("vacuum analyze cascade.task_unfinished"));
  for (const char* off : {"enable_seqscan", "enable_nestloop", "enable_mergejoin"})
    ASSERT_TRUE(c.exec_text(std::string("set ") + off + " = off"));  // as actors/gateway.cpp does
  ASSERT_TRUE(c.exec_text("set plan_cache_mode = force_generic_plan"));
  for (const sql::query* q : {&sql::complete_plain, &sql::complete_tasks, &sql::settle_unrun,
                              &sql::back_off, &sql::mark_running, &sql::release_tasks,
                              &sql::hold_tasks, &sql::fetch_tasks, &sql::apply_commands}) {
    ASSERT_TRUE(c.exec_text(std::string("prepare q as ") + q->text));
    const auto nulls = std::stoi(test::value_of(
        c,
        "select cardinality(parameter_types)::text from pg_prepared_statements where name = 'q'"));
    std::string arguments = "null";
    for (int i = 1; i < nulls; ++i) arguments += ", null";
    const auto rows = must(c.exec("explain execute q(" + arguments + ")"));
    std::string plan;
    for (int i = 0; i < rows.size(); ++i) plan += std::string(rows.text(i, 0)) + "\n";
    EXPECT_THAT(plan, testing::HasSubstr("Index Cond: (id = ANY")) << q->name;
    EXPECT_THAT(plan, testing::Not(testing::HasSubstr("Nested Loop"))) << q->name;
    ASSERT_TRUE(c.exec_text("deallocate q"));
  }
}

TEST_F(queries, the_inbox_sees_a_late_commit_with_a_low_id_once) {
  auto reader = connect(), early = connect(""), late = connect("");
  std::string snapshot = std::string(must(reader.exec(sql::load_snapshot.text)).text(0, 0));
  const auto read = [&] {
    const auto r = must(reader.exec(sql::read_inbox.text, pg::params{}
                                                              .text(snapshot)
                                                              .int4(100)
                                                              .texts(std::vector<std::string>{})
                                                              .int4(1000)
                                                              .int8(std::int64_t{1} << 60)
                                                              .text(snapshot)));
    std::vector<std::int64_t> ids;
    for (int i = 0; i < r.size(); ++i)
      if (r.text(i, 0) == "t")
        ids.push_back(r.int64(i, 1));
      else if (r.text(i, 0) == "s")
        snapshot = r.text(i, r.columns() - 1);
    return ids;
  };
  ASSERT_TRUE(early.exec_text("begin; insert into cascade.task (handler) values ('a')"));
  ASSERT_TRUE(late.exec_text("insert into cascade.task (handler) values ('b')"));
  EXPECT_EQ(read(), (std::vector<std::int64_t>{2}));
  EXPECT_EQ(read(), (std::vector<std::int64_t>{}));
  ASSERT_TRUE(early.exec_text("commit"));
  EXPECT_EQ(read(), (std::vector<std::int64_t>{1}));
  EXPECT_EQ(read(), (std::vector<std::int64_t>{}));
}

TEST_F(queries, a_job_does_not_end_while_a_transaction_adds_a_task) {
  auto owner = connect(), producer = connect("");
  ASSERT_TRUE(producer.exec_text("insert into cascade.job default values"));
  ASSERT_TRUE(
      producer.exec_text("begin; insert into cascade.task (handler, job_id) values ('a', 1)"));
  const std::vector<std::int64_t> ids{1};
  const std::vector<std::optional<std::string>> state{"completed"}, none{std::nullopt};
  const std::vector<bool> closed{false};
  const auto finish = [&] {
    must(owner.exec(sql::start_jobs.text, pg::params{}.int8s(ids)));
    EXPECT_TRUE(owner.exec_text("begin"));
    must(owner.exec(sql::lock_jobs.text, pg::params{}.int8s(ids)));
    const auto r = must(
        owner.exec(sql::finish_jobs.text,
                   pg::params{}.int8s(ids).texts(state).texts(none).texts(none).booleans(closed)));
    EXPECT_TRUE(owner.exec_text("commit"));
    return r.size();
  };
  EXPECT_EQ(finish(), 0) << "the job is locked by the open insert";
  ASSERT_TRUE(producer.exec_text("commit"));
  EXPECT_EQ(finish(), 0) << "the new task is unfinished";
  must(owner.exec(
      sql::settle_unrun.text,
      pg::params{}.int8s(ids).texts(std::vector<std::string>{"skipped"}).texts(none).texts(none)));
  EXPECT_EQ(finish(), 1);
  const auto refused =
      producer.exec_text("insert into cascade.task (handler, job_id) values ('a', 1)");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().sqlstate, "CA004");
}

}  // namespace
}  // namespace cascade
