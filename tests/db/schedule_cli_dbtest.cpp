// `cascade schedule` against a database without a service: what is fired here is fired by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/db/cli_fixture.hpp"

namespace cascade {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class schedule_cli : public test::cli_test {};

constexpr const char* two = R"(schedules:
  nightly:
    cron: "0 3 * * *"
    time_zone: Europe/Berlin
    workflow: etl
    input: {full: true}
    overlap: skip
    catch_up: all
    catch_up_max: 3
    jitter: 30s
  beat: {every: 90s, handler: beat, queue: small}
)";

TEST_F(schedule_cli, a_file_is_applied_and_applied_again) {
  const auto first = run({"schedule", "apply", "-"}, two);
  ASSERT_EQ(first.exit, 0) << first.err;
  EXPECT_EQ(first.out, "schedule beat created\nschedule nightly created\n");
  EXPECT_EQ(first.err, "note: there is no workflow \"etl\" yet\n");
  EXPECT_EQ(value("select concat_ws('|', cron, time_zone, workflow, input, overlap, catch_up,"
                  " catch_up_max, jitter, priority, paused) from cascade.schedules"
                  " where name = 'nightly'"),
            R"(0 3 * * *|Europe/Berlin|etl|{"full": true}|skip|all|3|00:00:30|50|f)");
  EXPECT_EQ(value("select concat_ws('|', every, handler, queue, coalesce(cron, 'none'))"
                  " from cascade.schedules where name = 'beat'"),
            "00:01:30|beat|small|none");
  const auto row = "select string_agg(s::text, ' ' order by name) from cascade.schedule s";
  const auto before = value(row);
  const auto again = run({"schedule", "apply", "-", "--json"}, two);
  EXPECT_EQ(again.document()[0]["change"], "unchanged");
  EXPECT_EQ(again.document()[1]["change"], "unchanged");
  EXPECT_EQ(value(row), before);
  EXPECT_EQ(value("select count(*) from cascade.command"), "1");
}

TEST_F(schedule_cli, what_a_file_leaves_out_goes_back_to_its_default_but_a_pause_stays) {
  run({"schedule", "apply", "-"}, two);
  EXPECT_EQ(run({"schedule", "pause", "beat"}).out, "schedule beat is paused\n");
  const auto changed =
      run({"schedule", "apply", "-"}, "schedules: {beat: {every: 90s, handler: beat}}");
  EXPECT_EQ(changed.out, "schedule beat changed\n");
  EXPECT_EQ(value("select coalesce(queue, 'none') || paused from cascade.schedules"
                  " where name = 'beat'"),
            "nonetrue");
  EXPECT_EQ(value("select count(*) from cascade.schedules"), "2") << "the other one stays";
  run({"schedule", "apply", "-"}, "schedules: {beat: {every: 90s, handler: beat, paused: false}}");
  EXPECT_EQ(value("select paused from cascade.schedules where name = 'beat'"), "f");
}

TEST_F(schedule_cli, nothing_of_a_wrong_file_is_applied) {
  const std::string wrong = std::string(two) +
                            "  tea:\n    cron: 0 25 * * *\n    handler: tea\n"
                            "  far:\n    cron: 0 1 * * *\n    time_zone: Europe/Brelin\n"
                            "    handler: far\n    overlop: skip\n";
  const auto applied = run({"schedule", "apply", "-"}, wrong);
  EXPECT_EQ(applied.exit, 2);
  EXPECT_THAT(applied.err, HasSubstr("standard input:13:11: schedule \"tea\": cron: "));
  EXPECT_THAT(applied.err, HasSubstr("standard input:19:5: schedule \"far\": \"overlop\" is not a "
                                     "key of a schedule; did you mean \"overlap\"?"));
  EXPECT_THAT(applied.err, HasSubstr("nothing was applied"));
  EXPECT_EQ(value("select count(*) from cascade.schedules"), "0");
  const auto checked = run({"schedule", "validate", "-", "--json"},
                           "schedules:\n  far:\n    cron: 0 1 * * *\n    handler: far\n"
                           "    time_zone: Europe/Brelin\n");
  EXPECT_EQ(checked.exit, 2);
  const auto problem = checked.document()["problems"][0];
  EXPECT_EQ(problem["line"], 5);
  EXPECT_EQ(problem["column"], 16);
  EXPECT_THAT(problem["hint"].get<std::string>(), HasSubstr("Europe/Berlin"));
}

TEST_F(schedule_cli, a_schedule_is_listed_shown_and_dropped) {
  run({"schedule", "apply", "-"}, two);
  const auto list = run({"schedule", "list"});
  EXPECT_THAT(list.out, HasSubstr("0 3 * * *"));
  EXPECT_THAT(list.out, HasSubstr("every 00:01:30"));
  EXPECT_EQ(run({"schedule", "list", "--json"}).document()[1]["state"], "active");
  const auto shown = run({"schedule", "show", "nightly", "--json"}).document();
  EXPECT_EQ(shown["overlap"], "skip");
  EXPECT_EQ(shown["ticks"], json::array());
  EXPECT_THAT(run({"schedule", "show", "nightly"}).out, HasSubstr("time_zone     Europe/Berlin"));
  for (const char* command : {"show", "ticks", "next"}) {
    const auto typo = run({"schedule", command, "nigthly"});
    EXPECT_EQ(typo.exit, 4) << command;
    EXPECT_THAT(typo.err, HasSubstr("did you mean \"nightly\"?")) << command;
  }
  EXPECT_EQ(run({"schedule", "drop", "nightly"}).out, "schedule nightly dropped\n");
  EXPECT_EQ(run({"schedule", "drop", "nightly"}).exit, 4);
  EXPECT_EQ(run({"schedule", "pause", "nightly"}).exit, 4);
}

TEST_F(schedule_cli, triggering_tells_what_became_of_it) {
  run({"schedule", "apply", "-"},
      "schedules: {beat: {every: 90s, handler: beat, overlap: skip}, bad: {every: 1h, workflow: "
      "none}}");
  EXPECT_EQ(run({"schedule", "trigger", "beat"}).out, "beat: started, job 1\n");
  const auto skipped = run({"schedule", "trigger", "beat"});
  EXPECT_EQ(skipped.exit, 1);
  EXPECT_EQ(skipped.out, "beat: skipped: job 1 has not finished\n");
  const auto failed = run({"schedule", "trigger", "bad", "--json"});
  EXPECT_EQ(failed.exit, 1);
  EXPECT_EQ(failed.document()["outcome"], "failed");
  EXPECT_EQ(run({"schedule", "trigger", "none"}).exit, 4);
  const auto ticks = run({"schedule", "ticks", "beat", "--json"}).document();
  ASSERT_EQ(ticks.size(), 2u);
  EXPECT_EQ(ticks[0]["outcome"], "skipped") << "newest first";
  EXPECT_EQ(ticks[1]["job_id"], 1);
  EXPECT_EQ(run({"schedule", "ticks", "beat", "--outcome", "started", "--json"}).document().size(),
            1u);
  EXPECT_THAT(run({"schedule", "list"}).out, HasSubstr("there is no workflow"));
  run({"schedule", "drop", "beat"});
  EXPECT_EQ(run({"schedule", "ticks", "beat", "--json"}).document().size(), 2u);
}

TEST_F(schedule_cli, the_next_ticks_of_a_stored_schedule_are_told_in_its_zone) {
  run({"schedule", "apply", "-"}, two);
  const auto next =
      run({"schedule", "next", "nightly", "-n", "2", "--from", "2027-03-27T12:00:00Z", "--json"});
  ASSERT_EQ(next.exit, 0) << next.err;
  EXPECT_EQ(next.document(), json::parse(R"([
    {"tick": "2027-03-28T01:00:00Z", "local": "2027-03-28T03:00:00+02:00 CEST"},
    {"tick": "2027-03-29T01:00:00Z", "local": "2027-03-29T03:00:00+02:00 CEST"}])"));
  EXPECT_EQ(run({"schedule", "next", "beat", "--json"}).document().size(), 5u);
  run({"schedule", "pause", "beat"});
  EXPECT_THAT(run({"schedule", "next", "beat"}).err, HasSubstr("it is paused"));
}

}  // namespace
}  // namespace cascade
