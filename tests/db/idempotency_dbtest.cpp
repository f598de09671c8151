// A job that is started twice with the same idempotency_key is started once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "tests/db/cli_fixture.hpp"

using cascade::test::must;
using cascade::test::value_of;
namespace pg = cascade::pg;

namespace {

struct idempotency : cascade::test::cli_test {
  pg::connection admin = db_.connect();
  pg::connection producer = db_.connect("cascade_producer");
  pg::connection other = db_.connect("cascade_producer");

  idempotency() {
    must(admin.exec_text(
        R"(select cascade.apply_workflow('etl', '{"params": {"day": {"type": "string"},
           "n": {"type": "integer", "default": 1}}, "steps": []}'),
           cascade.apply_workflow('other', '{"steps": []}'))"));
  }
  static std::string told(pg::connection& c, const std::string& sql) {
    const auto r = c.exec(sql);
    return r ? std::to_string(r.value().int64(0, 0)) : r.error().sqlstate;
  }
  static std::string start(const std::string& arguments) {
    return "select cascade.start_job(" + arguments + ")";
  }
  std::string jobs() { return value("select count(*) from cascade.job"); }
};

TEST_F(idempotency, the_second_call_answers_with_the_first_job) {
  const std::string call = R"('etl', '{"day": "x"}', idempotency_key => 'a')";
  EXPECT_EQ(told(producer, start(call)), "1");
  EXPECT_EQ(told(producer, start(call)), "1");
  EXPECT_EQ(told(producer, start(R"('etl', '{"n": 1, "day": "x"}', 90, idempotency_key => 'a')")),
            "1");
  must(admin.exec_text(
      R"(select cascade.apply_workflow('etl', '{"params": {"when": {"type": "string"}}, "steps": []}'))"));
  EXPECT_EQ(told(producer, start(call)), "1") << "its version counts, not the newest";
  EXPECT_EQ(told(producer, start(R"('etl', '{"day": "y"}', idempotency_key => 'a')")), "CA011");
  EXPECT_EQ(told(producer, start("'other', idempotency_key => 'a'")), "CA011");
  EXPECT_EQ(told(producer, start("idempotency_key => 'a'")), "CA011");
  EXPECT_EQ(jobs(), "1");
  EXPECT_EQ(value("select idempotency_key from cascade.jobs where id = 1"), "a");
}

TEST_F(idempotency, a_job_keeps_its_key_when_it_has_ended) {
  EXPECT_EQ(told(producer, start("idempotency_key => 'a'")), "1");
  auto engine = db_.connect("cascade_engine");
  must(engine.exec(
      "update cascade.job set status = 'completed', started_at = now(), finished_at = now()"));
  EXPECT_EQ(told(producer, start("idempotency_key => 'a'")), "1");
  EXPECT_EQ(told(producer, start("input => '{\"a\": 1}', idempotency_key => 'a'")), "CA011");
}

TEST_F(idempotency, without_a_key_each_call_starts_a_job) {
  EXPECT_EQ(told(producer, start("'other'")), "1");
  EXPECT_EQ(told(producer, start("'other'")), "2");
  EXPECT_EQ(told(producer, start("'other', idempotency_key => ''")), "23514");
  EXPECT_EQ(told(producer, start("'other', idempotency_key => repeat('k', 1001)")), "23514");
  must(producer.exec("insert into cascade.job (idempotency_key) values ('p')"));
  EXPECT_EQ(told(producer, "insert into cascade.job (idempotency_key) values ('p')"), "23505");
  must(producer.exec(
      "insert into cascade.job (idempotency_key) values ('p') on conflict do nothing"));
  EXPECT_EQ(jobs(), "3");
}

TEST_F(idempotency, who_comes_at_the_same_time_waits_for_the_first_transaction) {
  for (const bool commits : {true, false}) {
    const std::string call = start("idempotency_key => 'k" + std::to_string(commits) + "'");
    must(other.exec("begin"));
    const auto first = told(other, call);
    const auto pid = value_of(producer, "select pg_backend_pid()::text");
    auto answer = std::async(std::launch::async, [&] { return told(producer, call); });
    while (value_of(admin, "select count(*) from pg_locks where not granted and pid = " + pid) ==
           "0")
      ASSERT_NE(answer.wait_for(std::chrono::seconds(0)), std::future_status::ready);
    must(other.exec(commits ? "commit" : "rollback"));
    EXPECT_EQ(answer.get() == first, commits);
    EXPECT_EQ(value("select count(*) from cascade.job where idempotency_key = 'k" +
                    std::to_string(commits) + "'"),
              "1");
  }
  must(other.exec("begin isolation level repeatable read"));
  must(other.exec("select cascade.start_job()"));
  must(producer.exec(start("idempotency_key => 'late'")));
  EXPECT_EQ(told(other, start("idempotency_key => 'late'")), "40001");
}

TEST_F(idempotency, the_command_line_has_it_too) {
  for (int i = 0; i < 2; ++i) {
    const auto r = run(
        {"job", "start", "etl", "--input", R"({"day": "x"})", "--idempotency-key", "a", "--json"});
    EXPECT_EQ(r.exit, 0) << r.err;
    EXPECT_EQ(r.document()["id"], 1);
  }
  const auto other_input =
      run({"job", "start", "etl", "--input", R"({"day": "y"})", "--idempotency-key", "a"});
  EXPECT_EQ(other_input.exit, 2);
  EXPECT_THAT(other_input.err, testing::HasSubstr("another workflow or input"));
}

TEST_F(idempotency, tasks_are_pushed_with_keys_and_modes) {
  const auto push = [&](const std::string& mode) {
    return run({"task", "push", "x", "--unique-key", "k", "--unique-for", "1d", "--unique-states",
                "completed,failed", "--on-conflict", mode, "--json"});
  };
  EXPECT_EQ(push("raise").document()["id"], 1);
  EXPECT_EQ(push("raise").exit, 2);
  for (const char* mode : {"skip", "replace", "reschedule"})
    EXPECT_EQ(push(mode).document()["id"], 1) << mode;
  EXPECT_NE(push("ignore").exit, 0);
  EXPECT_EQ(value("select unique_for || ' ' || unique_states::text from cascade.tasks"),
            "24:00:00 {completed,failed}");
  EXPECT_EQ(value("select count(*) from cascade.command"), "2");
}

}  // namespace
