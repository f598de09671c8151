// The commands against a real database without a service: nothing runs, so what was pushed stays
// where it is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/db/cli_fixture.hpp"

namespace cascade {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

constexpr const char* workflow_file =
    "name: etl\nparams:\n  day: {type: string}\nsteps:\n  - name: fetch\n    handler: noop\n"
    "  - name: load\n    handler: noop\n    depends_on: [fetch]\n";

class cli : public test::cli_test {};

TEST_F(cli, a_workflow_is_applied_listed_shown_and_drawn) {
  const auto first = run({"workflow", "apply", "-", "--json"}, workflow_file);
  ASSERT_EQ(first.exit, 0) << first.err;
  EXPECT_EQ(first.document()[0]["version"], 1);
  EXPECT_EQ(first.document()[0]["created"], true);
  EXPECT_THAT(run({"workflow", "apply", "-"}, workflow_file).out,
              HasSubstr("workflow etl version 1 unchanged"));
  EXPECT_THAT(
      run({"workflow", "apply", "-"}, std::string(workflow_file) + "description: new\n").out,
      HasSubstr("version 2 created"));
  const auto list = run({"workflow", "list", "--json"}).document();
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0]["steps"], 2);
  EXPECT_EQ(run({"workflow", "show", "etl", "--version", "1", "--json"})
                .document()["definition"]["steps"][1]["name"],
            "load");
  EXPECT_THAT(run({"workflow", "graph", "etl"}).out, HasSubstr("fetch"));
  const auto typo = run({"workflow", "show", "elt"});
  EXPECT_EQ(typo.exit, 4);
  EXPECT_THAT(typo.err, HasSubstr("did you mean \"etl\"?"));
}

TEST_F(cli, one_wrong_file_keeps_all_from_being_applied) {
  const auto dir =
      std::filesystem::temp_directory_path() / ("cascade_cli_" + std::to_string(::getpid()));
  std::filesystem::create_directory(dir);
  std::ofstream(dir / "good.yaml") << workflow_file;
  std::ofstream(dir / "bad.yaml") << "name: bad\nsteps: 3\n";
  const auto result =
      run({"workflow", "apply", (dir / "good.yaml").string(), (dir / "bad.yaml").string()});
  std::filesystem::remove_all(dir);
  EXPECT_EQ(result.exit, 2);
  EXPECT_THAT(result.err, HasSubstr("bad.yaml:2:"));
  EXPECT_EQ(value("select count(*)::text from cascade.workflow"), "0");
}

TEST_F(cli, a_job_starts_with_its_input_checked_by_the_database) {
  ASSERT_EQ(run({"workflow", "apply", "-"}, workflow_file).exit, 0);
  const auto started =
      run({"job", "start", "etl", "--input", R"({"day": "x"})", "--priority", "70", "--json"});
  ASSERT_EQ(started.exit, 0) << started.err;
  const auto id = std::to_string(started.document()["id"].get<int>());
  const auto shown = run({"job", "show", id, "--json"}).document();
  EXPECT_EQ(shown["status"], "pending");
  EXPECT_EQ(shown["priority"], 70);
  EXPECT_EQ(shown["input"]["day"], "x");
  EXPECT_EQ(
      run({"job", "list", "--status", "pending", "--workflow", "etl", "--json"}).document().size(),
      1u);
  EXPECT_EQ(run({"job", "list", "--status", "failed", "--json"}).document().size(), 0u);

  const auto refused = run({"job", "start", "etl", "--json"});
  EXPECT_EQ(refused.exit, 2);
  EXPECT_EQ(json::parse(refused.err)["error"]["sqlstate"], "CA003");
  EXPECT_EQ(run({"job", "start", "nope"}).exit, 4);
}

TEST_F(cli, commands_for_jobs_wait_for_an_owner) {
  auto c = db_.connect();
  const auto id = std::to_string(test::make_job(c));
  for (const char* word : {"cancel", "retry", "pause", "resume"})
    EXPECT_EQ(run({"job", word, id}).exit, 0) << word;
  EXPECT_EQ(value("select string_agg(kind, ',' order by id) from cascade.command"),
            "cancel_job,retry_job,pause_job,resume_job");
  const auto missing = run({"job", "cancel", "424242"});
  EXPECT_EQ(missing.exit, 4);
  EXPECT_THAT(missing.err, HasSubstr("[CA005]"));
  EXPECT_EQ(run({"job", "show", "424242"}).exit, 4);
}

TEST_F(cli, the_exit_code_of_waiting_says_how_a_job_ended) {
  auto c = db_.connect();
  const auto wait = [&](const char* status) {
    return run({"job", "wait", std::to_string(test::make_job(c, {.status = status})), "--timeout",
                "30ms"})
        .exit;
  };
  EXPECT_EQ(wait("completed"), 0);
  EXPECT_EQ(wait("failed"), 1);
  EXPECT_EQ(wait("cancelled"), 1);
  EXPECT_EQ(wait("running"), 5);
  EXPECT_EQ(run({"job", "wait", "424242"}).exit, 4);
  const auto task = [&](const char* status) {
    return run({"task", "wait", std::to_string(test::make_task(c, {.status = status})), "--timeout",
                "30ms"})
        .exit;
  };
  EXPECT_EQ(task("completed"), 0);
  EXPECT_EQ(task("quarantined"), 1);
  EXPECT_EQ(task("pending"), 5);
}

TEST_F(cli, a_task_is_pushed_with_all_it_may_have) {
  const auto pushed =
      run({"task",   "push",       "resize", "--payload",    "-",   "--queue",
           "images", "--priority", "80",     "--delay",      "10m", "--max-attempts",
           "2",      "--timeout",  "1m30s",  "--unique-key", "u",   "--concurrency-key",
           "c",      "--requires", "gpu,eu", "--json"},
          R"({"id": 9007199254740993})");
  ASSERT_EQ(pushed.exit, 0) << pushed.err;
  const auto id = std::to_string(pushed.document()["id"].get<int>());
  const auto task = run({"task", "show", id, "--json"}).document();
  EXPECT_EQ(task["status"], "waiting");
  EXPECT_EQ(task["waiting_reason"], "delay");
  EXPECT_EQ(task["payload"]["id"], 9007199254740993);
  EXPECT_EQ(task["queue"], "images");
  EXPECT_EQ(task["timeout"], "00:01:30");
  EXPECT_EQ(task["requires"], json::array({"gpu", "eu"}));
  EXPECT_EQ(value("select (run_at - created_at = '10 minutes')::text from cascade.task"), "true");
  EXPECT_THAT(run({"task", "explain", id}).out, HasSubstr("not due before"));
  const auto twice = run({"task", "push", "resize", "--unique-key", "u", "--json"});
  EXPECT_EQ(twice.exit, 2);
  EXPECT_EQ(json::parse(twice.err)["error"]["sqlstate"], "23505");
  EXPECT_EQ(run({"task", "push", "resize", "--run-at", "2026-11-21T03:00:00Z"}).exit, 0);
  EXPECT_EQ(run({"task", "push", "resize", "--run-at", "whenever"}).exit, 2);
  EXPECT_EQ(run({"task", "push", "resize", "--job", "999"}).exit, 4);
  EXPECT_EQ(run({"task", "list", "--queue", "images", "--json"}).document().size(), 1u);
  EXPECT_EQ(run({"task", "cancel", id}).exit, 0);
}

TEST_F(cli, a_queue_has_limits) {
  EXPECT_EQ(run({"queue", "limit", "mail", "--rate", "120/1m", "--burst", "10", "--key-gap", "2s",
                 "--concurrency", "4", "--key-concurrency", "2"})
                .exit,
            0);
  auto mail = run({"queue", "list", "--json"}).document()[0];
  EXPECT_EQ(mail["rate"], 2.0);
  EXPECT_EQ(mail["burst"], 10);
  EXPECT_EQ(mail["key_rate"], 0.5);
  EXPECT_EQ(mail["key_burst"], 1);
  EXPECT_EQ(mail["concurrency"], 4);
  EXPECT_EQ(mail["key_concurrency"], 2);
  EXPECT_EQ(run({"queue", "limit", "mail", "--rate", "none", "--concurrency", "none"}).exit, 0);
  mail = run({"queue", "list", "--json"}).document()[0];
  EXPECT_TRUE(mail["rate"].is_null());
  EXPECT_TRUE(mail["concurrency"].is_null());
  EXPECT_EQ(mail["key_rate"], 0.5);
  EXPECT_EQ(run({"queue", "limit", "mail"}).exit, 2);
  EXPECT_EQ(run({"queue", "limit", "mail", "--rate", "fast"}).exit, 2);
  EXPECT_THAT(run({"queue", "limit", "mail", "--depth", "0"}).err,
              HasSubstr("write a number from 1, or none"));
  EXPECT_EQ(run({"queue", "limit", "mail", "--rate", "5/soon"}).exit, 2);
}

TEST_F(cli, without_a_service_the_rows_explain_a_task) {
  auto c = db_.connect();
  test::must(c.exec("select pg_advisory_lock(727001, l) from generate_series(0, 63) l"));
  test::must(c.exec("select cascade.pause_queue('mail')"));
  const auto id = std::to_string(test::make_task(c, {.queue = "mail"}));
  EXPECT_EQ(run({"task", "explain", id}).out,
            "task " + id +
                ": paused. Queue mail is paused; cascade.resume_queue('mail') lets it go on.\n"
                "source: rows\n");
  const auto told = run({"task", "explain", id, "--json"}).document();
  EXPECT_EQ(told["verdict"], "paused");
  EXPECT_EQ(told["source"], "rows");
  EXPECT_EQ(told["because"], json::array());
  const auto reader = run_on(db_.conninfo("cascade_reader"), {"task", "explain", id});
  EXPECT_EQ(reader.exit, 0) << reader.err;
  const auto missing = run({"task", "explain", "424242", "--json"});
  EXPECT_EQ(missing.exit, 4);
  EXPECT_EQ(json::parse(missing.err)["error"]["sqlstate"], "CA005");
}

TEST_F(cli, a_queue_is_paused_and_resumed) {
  EXPECT_EQ(run({"queue", "pause", "mail"}).exit, 0);
  EXPECT_EQ(run({"queue", "list", "--json"}).document()[0]["paused"], true);
  EXPECT_EQ(run({"queue", "resume", "mail"}).exit, 0);
  EXPECT_EQ(run({"queue", "list", "--json"}).document()[0]["paused"], false);
}

TEST_F(cli, without_a_service_the_status_is_unreachable) {
  const auto status = run({"status", "--json"});
  EXPECT_EQ(status.exit, 3);
  EXPECT_EQ(status.document()["ready"], false);
  EXPECT_EQ(status.document()["lanes_owned"], 0);
  EXPECT_EQ(json::parse(status.err)["error"]["code"], "unreachable");
}

TEST_F(cli, the_status_is_ready_when_every_lane_has_an_owner) {
  auto c = db_.connect();
  test::must(c.exec("select pg_advisory_lock(727001, l) from generate_series(0, 63) l"));
  EXPECT_EQ(run({"status"}).exit, 0);
}

TEST_F(cli, a_data_directory_leads_to_its_database_and_tells_a_dead_service) {
  const auto dir =
      std::filesystem::temp_directory_path() / ("cascade_cli_dir_" + std::to_string(::getpid()));
  std::filesystem::create_directory(dir);
  const auto call = [&](std::vector<const char*> words) {
    const std::string path = dir.string();
    std::vector<const char*> argv{"cascade", "--data-dir", path.c_str()};
    argv.insert(argv.end(), words.begin(), words.end());
    std::istringstream in;
    std::ostringstream out, err;
    const int exit = run_cascade(static_cast<int>(argv.size()), argv.data(), in, out, err);
    return test::run_result{exit, out.str(), err.str()};
  };
  std::ofstream(dir / "service.json") << json{
      {"pid", 2147483646}, {"conninfo", db_.conninfo()}, {"state", "ready"}, {"console", "/x"}};
  EXPECT_EQ(call({"queue", "list", "--json"}).out, "[]\n");
  const auto dead = call({"status"});
  EXPECT_EQ(dead.exit, 3);
  EXPECT_THAT(dead.err, HasSubstr("is not running any more"));
  const auto doctor = call({"doctor"});
  EXPECT_EQ(doctor.exit, 1);
  EXPECT_THAT(doctor.out, HasSubstr("does not run"));
  std::ofstream(dir / "service.json") << json{
      {"pid", ::getpid()}, {"conninfo", db_.conninfo()}, {"state", "starting"}, {"console", "/x"}};
  EXPECT_THAT(call({"status"}).err, HasSubstr("the service is starting"));
  std::ofstream(dir / "service.json") << json{
      {"pid", ::getpid()}, {"conninfo", db_.conninfo()}, {"state", "standby"}, {"console", "/x"}};
  const auto standby = call({"status", "--json"});
  EXPECT_EQ(standby.exit, 3);
  EXPECT_EQ(standby.document()["service"]["state"], "standby");
  EXPECT_THAT(standby.err, HasSubstr("another node owns the database"));
  std::ofstream(dir / "service.json")
      << json{{"pid", ::getpid()}, {"conninfo", ""}, {"state", "starting"}, {"console", ""}};
  const auto early = call({"queue", "list"});
  EXPECT_EQ(early.exit, 3) << "libpq's defaults are no answer to an unknown database";
  EXPECT_THAT(early.err, HasSubstr("is starting"));
  std::ofstream(dir / "service.json") << "{";
  EXPECT_EQ(call({"queue", "list"}).exit, 3);
  std::filesystem::remove_all(dir);
}

TEST_F(cli, the_doctor_finds_a_healthy_schema_and_a_missing_one) {
  const auto healthy = run({"doctor", "--json"}).document();
  std::map<std::string, std::string> checks;
  for (const auto& c : healthy["checks"]) checks[c["check"]] = c["status"];
  for (const char* name : {"connection", "server version", "primary", "pooler", "rights", "roles",
                           "listen", "schema", "clock"})
    EXPECT_EQ(checks[name], "OK") << name;
  const test::test_database empty(test::test_database::schema::none);
  const auto sick = run_on(empty.conninfo(), {"doctor"});
  EXPECT_EQ(sick.exit, 1);
  EXPECT_THAT(sick.out, HasSubstr("run: cascade migrate"));
  EXPECT_EQ(run_on(empty.conninfo(), {"job", "list"}).exit, 3);
}

TEST_F(cli, migrate_makes_a_schema_once) {
  const test::test_database empty(test::test_database::schema::none);
  EXPECT_EQ(run_on(empty.conninfo(), {"migrate", "--status", "--json"}).document()[0]["state"],
            "pending");
  EXPECT_GT(run_on(empty.conninfo(), {"migrate", "--json"}).document()["applied"], 0);
  EXPECT_EQ(run_on(empty.conninfo(), {"migrate", "--json"}).document()["applied"], 0);
  EXPECT_EQ(run_on(empty.conninfo(), {"job", "list", "--json"}).out, "[]\n");
}

TEST_F(cli, a_producer_may_push_and_nothing_else) {
  const std::string producer = db_.conninfo("cascade_producer");
  EXPECT_EQ(run_on(producer, {"task", "push", "noop"}).exit, 0);
  EXPECT_THAT(run_on(producer, {"doctor"}).out, HasSubstr("not for reading"));
  const auto refused = run_on(producer, {"task", "list", "--json"});
  EXPECT_EQ(refused.exit, 1);
  EXPECT_EQ(json::parse(refused.err)["error"]["sqlstate"], "42501");
}

TEST_F(cli, a_database_that_is_not_there_is_unreachable_and_no_password_is_shown) {
  const auto result = run_on("host=/nonexistent password=s3cret", {"job", "list"});
  EXPECT_EQ(result.exit, 3);
  EXPECT_THAT(result.err, ::testing::Not(HasSubstr("s3cret")));
}

}  // namespace
}  // namespace cascade
