// Unique keys of tasks: periods, final states that keep a key, what happens on a conflict; exact
// whatever runs at the same time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <random>

#include "tests/support/postgres.hpp"
#include "tests/support/seed.hpp"

using cascade::test::must;
using cascade::test::value_of;
namespace pg = cascade::pg;

namespace {

struct unique : testing::Test {
  cascade::test::test_database database;
  pg::connection admin = database.connect();
  pg::connection engine = database.connect("cascade_engine");
  pg::connection producer = database.connect("cascade_producer");

  // The id as text, or the SQLSTATE.
  static std::string told(pg::connection& c, const std::string& sql) {
    const auto r = c.exec(sql);
    if (!r) return r.error().sqlstate;
    return r.value().empty() ? "none" : std::to_string(r.value().int64(0, 0));
  }
  static std::string add(const std::string& arguments) {
    return "select cascade.add_task('x', " + arguments + ")";
  }
  std::string push(const std::string& arguments) { return told(producer, add(arguments)); }
  std::string value(const std::string& sql) { return value_of(admin, sql); }
  static std::string ended(const std::string& id, const std::string& status) {
    return "update cascade.task set status = '" + status +
           "', attempt = 1, waiting_reason = null, started_at = now(), finished_at = now(), "
           "finished_on = cascade.today() where id = " +
           id;
  }
  void end(const std::string& id, const std::string& status) {
    must(engine.exec(ended(id, status)));
  }
  // A statement that has to wait for a lock before it is answered.
  std::future<std::string> waiting(pg::connection& c, const std::string& sql) {
    const auto pid = value_of(c, "select pg_backend_pid()::text");
    auto answer = std::async(std::launch::async, [&c, sql] { return told(c, sql); });
    while (value("select count(*) from pg_locks where not granted and pid = " + pid) == "0")
      if (answer.wait_for(std::chrono::seconds(0)) == std::future_status::ready) break;
    EXPECT_NE(answer.wait_for(std::chrono::seconds(0)), std::future_status::ready)
        << "it does not wait: " << sql;
    return answer;
  }
};

TEST_F(unique, a_key_is_free_again_when_its_task_has_ended_unless_that_state_keeps_it) {
  for (const std::string status : {"completed", "failed", "cancelled", "skipped", "quarantined"}) {
    const std::string keeping =
        "unique_key => 'k" + status + "', unique_states => '{" + status + "}'";
    const std::string leaving = "unique_key => 'l" + status + "', unique_states => '{" +
                                (status == "failed" ? "completed" : "failed") + "}'";
    const auto kept = push(keeping), left = push(leaving);
    EXPECT_EQ(push(keeping), "23505");
    end(kept, status);
    end(left, status);
    EXPECT_EQ(push("unique_key => 'k" + status + "'"), "23505") << status;
    EXPECT_EQ(push(keeping + ", on_conflict => 'skip'"), kept) << status;
    EXPECT_NE(push("unique_key => 'l" + status + "'"), "23505") << status;
  }
  EXPECT_EQ(value("select count(*) from cascade.kept_key"), "5");
}

TEST_F(unique, another_round_of_a_task_takes_its_key_along) {
  const auto id = push("unique_key => 'k', unique_states => '{failed}'");
  for (int round = 0; round < 3; ++round) {
    end(id, "failed");
    EXPECT_EQ(value("select task_id from cascade.kept_key"), id);
    must(engine.exec(
        "update cascade.task set status = 'pending', finished_at = null, finished_on = null, "
        "started_at = null where id = " +
        id));
    EXPECT_EQ(value("select count(*) from cascade.kept_key"), "0");
    EXPECT_EQ(push("unique_key => 'k'"), "23505");
  }
  end(id, "completed");
  EXPECT_NE(push("unique_key => 'k'"), "23505");
}

TEST_F(unique, a_period_begins_at_a_multiple_of_its_length_since_1970) {
  const auto insert = [&](const std::string& at, const std::string& period) {
    return cascade::test::state_of(
        admin,
        "insert into cascade.task (handler, unique_key, unique_for, created_at) "
        "values ('x', 'k', '" +
            period + "', '" + at + "')");
  };
  EXPECT_EQ(insert("2026-11-20 10:00:00+00", "1 hour"), "ok");
  EXPECT_EQ(insert("2026-11-20 10:59:59.999999+00", "1 hour"), "23505");
  EXPECT_EQ(insert("2026-11-20 11:59:59+01", "1 hour"), "23505");
  EXPECT_EQ(insert("2026-11-20 11:00:00+00", "1 hour"), "ok");
  EXPECT_EQ(insert("2026-11-20 09:59:59+00", "1 hour"), "ok");
  EXPECT_EQ(insert("1969-12-31 23:30:00+00", "1 hour"), "ok");
  const auto other = push("unique_key => 'k'");
  EXPECT_EQ(push("unique_key => 'k', on_conflict => 'skip'"), other)
      << "without a period it is another key";
  must(admin.exec("set timezone = 'Asia/Kolkata'"));
  EXPECT_EQ(insert("2026-11-20 10:30:00+00", "1 hour"), "23505") << "periods are those of UTC";
  EXPECT_EQ(value("select count(*) from cascade.tasks where unique_key = 'k' and unique_for is "
                  "not null"),
            "4");
}

TEST_F(unique, a_finished_task_keeps_its_key_for_its_period_only) {
  must(
      admin.exec_text("insert into cascade.task (handler, unique_key, unique_for, unique_states, "
                      "created_at) values "
                      "('x', 'old', '1 hour', '{completed}', now() - interval '2 days'), "
                      "('x', 'new', '3650 days', '{completed}', now())"));
  end("1", "completed");
  end("2", "completed");
  EXPECT_EQ(push("unique_key => 'old', unique_for => '1 hour'"), "3");
  EXPECT_EQ(push("unique_key => 'new', unique_for => '3650 days'"), "23505");
  must(admin.exec("set role cascade_owner"));
  while (value_of(admin, "select cascade.retention_step(0) is not null") == "t") {
  }
  EXPECT_EQ(value("select string_agg(unique_key, ',') from cascade.kept_key"), "new");
  must(admin.exec("update cascade.kept_key set finished_on = cascade.today() - 8"));
  while (value_of(admin, "select cascade.retention_step(7) is not null") == "t") {
  }
  EXPECT_EQ(value("select count(*) from cascade.kept_key"), "0");
}

TEST_F(unique, plain_inserts_say_on_conflict_do_nothing) {
  const auto r = must(
      producer.exec("insert into cascade.task (handler, unique_key) select 'x', 'k' || n % 10 from "
                    "generate_series(1, 100) n on conflict do nothing"));
  EXPECT_EQ(r.affected(), 10);
  must(producer.exec(
      "insert into cascade.task (handler, unique_key, unique_for, unique_states) select 'x', 'k' "
      "|| "
      "n % 10, '1 day', '{completed}' from generate_series(1, 100) n on conflict do nothing"));
  EXPECT_EQ(value("select count(*) from cascade.task"), "20");
}

TEST_F(unique, who_replaces_asks_the_owner_unless_the_task_has_started) {
  const auto commands = [&] {
    return value(
        "select coalesce(string_agg(task_id || ' ' || argument::text, '; ' order by id), '') "
        "from cascade.command");
  };
  const auto id = push("'{\"n\": 1}', unique_key => 'k'");
  EXPECT_EQ(push("'{\"n\": 2}', unique_key => 'k', on_conflict => 'skip'"), id);
  EXPECT_EQ(commands(), "");
  EXPECT_EQ(push("'{\"n\": 3}', unique_key => 'k', priority => 9, on_conflict => 'replace'"), id);
  EXPECT_EQ(push("'{\"n\": 4}', unique_key => 'k', run_at => '1970-01-01 00:00:07+00', on_conflict "
                 "=> 'reschedule'"),
            id);
  EXPECT_EQ(commands(), id + " {\"payload\": {\"n\": 3}}; " + id +
                            " {\"payload\": {\"n\": 4}, \"run_at_us\": 7000000}");
  must(engine.exec("update cascade.task set status = 'running', started_at = now(), attempt = 1"));
  EXPECT_EQ(push("unique_key => 'k', on_conflict => 'replace'"), id);
  EXPECT_EQ(value("select count(*) from cascade.command"), "2");
  EXPECT_EQ(push("unique_key => 'other', on_conflict => 'replace'"), "2");
  EXPECT_EQ(push("on_conflict => 'replace'"), "3") << "no key, no conflict";
}

TEST_F(unique, hostile_keys_and_arguments_are_refused_and_strange_ones_are_keys) {
  for (const char* wrong :
       {"unique_key => ''", "unique_key => repeat('k', 1001)", "unique_key => repeat('ü', 501)",
        "unique_for => '1 hour'", "unique_states => '{completed}'",
        "unique_key => 'k', unique_for => '0 s'", "unique_key => 'k', unique_for => '-1 hour'",
        "unique_key => 'k', unique_for => '1 month'",
        "unique_key => 'k', unique_for => '4000 days'",
        "unique_key => 'k', unique_states => array[null]::cascade.task_status[]",
        "unique_key => 'k', unique_states => array_fill('failed'::cascade.task_status, array[9])"})
    for (const char* mode : {"raise", "skip"})
      EXPECT_EQ(push(std::string(wrong) + ", on_conflict => '" + mode + "'"), "23514") << wrong;
  EXPECT_EQ(push("unique_key => 'k', unique_states => '{gone}'"), "22P02");
  EXPECT_EQ(push("unique_key => 'k', on_conflict => 'ignore'"), "CA006");
  EXPECT_EQ(push("unique_key => 'k', on_conflict => null"), "CA006");
  const auto none = value("select count(*) from cascade.task");
  EXPECT_EQ(none, "0");
  for (const std::string key :
       {"'; drop table cascade.task; --", "%s%n", " ", "\\", "{}", "null"}) {
    pg::params p;
    p.text(key);
    const auto r = must(producer.exec(
        "select cascade.add_task('x', unique_key => $1, unique_states => '{completed}')", p));
    end(std::to_string(r.int64(0, 0)), "completed");
    EXPECT_EQ(must(producer.exec("select cascade.add_task('x', unique_key => $1, on_conflict => "
                                 "'skip')",
                                 p))
                  .int64(0, 0),
              r.int64(0, 0))
        << key;
  }
  const auto id = push("unique_key => 'k'");
  EXPECT_EQ(push("null, unique_key => 'k', on_conflict => 'replace'"), "23514");
  EXPECT_EQ(push("unique_key => 'k', run_at => 'infinity', on_conflict => 'reschedule'"), "23514");
}

TEST_F(unique, a_producer_sees_no_more_than_the_id) {
  push("unique_key => 'k'");
  for (const char* sql :
       {"select 1 from cascade.kept_key", "insert into cascade.kept_key values (1)",
        "select (cascade.unique_holder('k', null)).id",
        "select cascade.change_held('replace', 1, '{}', null)",
        "select cascade.command_for_task('change_task', 1, '{}')"})
    EXPECT_EQ(told(producer, sql), "42501") << sql;
}

// Who inserts may call what the index calls: it takes nothing away that is not his own.
TEST_F(unique, a_kept_key_is_taken_away_by_nobody_who_asks_for_it) {
  const auto id = push("unique_key => 'k', unique_states => '{completed}'");
  end(id, "completed");
  must(producer.exec("begin isolation level repeatable read"));
  for (const std::string& as : {id, std::string("-1")})
    told(producer, "select 1 from cascade.refuse_kept_key(" + as + ", 'k', null, now())");
  must(producer.exec("rollback"));
  must(producer.exec("begin isolation level repeatable read"));
  must(producer.exec("select cascade.refuse_kept_key(" + id + ", 'k', null, now())"));
  must(producer.exec("commit"));
  EXPECT_EQ(value("select task_id from cascade.kept_key"), id);
}

// The index of checks is made and counted like any other.
TEST_F(unique, rows_that_were_let_in_are_let_in_again) {
  push("unique_key => 'k', unique_states => '{completed}', unique_for => '1 hour', tenant => 't'");
  end(push("unique_key => 'ended', unique_states => '{completed}'"), "completed");
  push("concurrency_key => 'c', start_within => '1 s', requires => '{gpu}'");
  for (const std::string level : {"read committed", "serializable"}) {
    must(admin.exec("set default_transaction_isolation = '" + level + "'"));
    for (const char* sql : {"analyze cascade.task_unfinished", "reindex index cascade.task_check",
                            "update cascade.task set priority = priority"})
      must(admin.exec(sql));
  }
}

// -- at the same time -----------------------------------------------------------------------------

TEST_F(unique, who_comes_while_a_task_ends_waits_and_gets_in_only_if_the_key_is_free) {
  for (const bool keeps : {true, false})
    for (const bool commits : {true, false}) {
      const std::string key = "unique_key => 'k" + std::to_string(2 * keeps + commits) + "'";
      const auto id = push(key + ", unique_states => '{" + (keeps ? "completed" : "failed") + "}'");
      must(engine.exec("begin"));
      end(id, "completed");
      EXPECT_EQ(push(key + ", on_conflict => 'skip'"), id) << "as far as anybody knows";
      auto answer = waiting(producer, add(key));
      must(engine.exec(commits ? "commit" : "rollback"));
      const std::string got = answer.get();
      if (commits && !keeps)
        EXPECT_EQ(got, value("select max(id) from cascade.task"));
      else
        EXPECT_EQ(got, "23505") << keeps << commits;
    }
}

TEST_F(unique, an_old_snapshot_lets_nobody_in) {
  auto other = database.connect("cascade_producer");
  for (const char* level : {"repeatable read", "serializable"}) {
    const std::string key = "unique_key => '" + std::string(level) + "'";
    const auto id = push(key + ", unique_states => '{completed}'");
    must(other.exec(std::string("begin isolation level ") + level));
    must(other.exec("select cascade.add_task('x')"));  // the snapshot
    end(id, "completed");
    EXPECT_EQ(told(other, add(key)), "40001");
    must(other.exec("rollback"));
    must(other.exec(std::string("begin isolation level ") + level));
    EXPECT_EQ(told(other, add(key + ", on_conflict => 'skip'")), id);
    const auto mine = told(other, add("unique_key => 'mine " + std::string(level) + "'"));
    EXPECT_EQ(mine, value("select last_value from cascade.task_id_seq"));
    must(other.exec("commit"));
  }
  EXPECT_EQ(value("select count(*) from cascade.kept_key"), "2");
}

TEST_F(unique, two_who_come_at_once_are_told_the_same_task) {
  auto other = database.connect("cascade_producer");
  for (const bool commits : {true, false}) {
    const std::string key =
        "unique_key => 'k" + std::to_string(commits) + "', unique_for => '1 day'";
    must(other.exec("begin"));
    const auto first = told(other, add(key));
    auto answer = waiting(producer, add(key + ", on_conflict => 'skip'"));
    must(other.exec(commits ? "commit" : "rollback"));
    EXPECT_EQ(answer.get() == first, commits);
  }
}

// Pushers of few keys, two that end what was pushed and give it other rounds. No key is ever held
// twice, nobody runs into a deadlock, and what ends tasks is never refused.
TEST_F(unique, nobody_slips_through_whatever_happens_at_the_same_time) {
  const auto seed = cascade::test_seed();
  constexpr int keys = 12;
  std::vector<std::future<std::string>> all;
  std::atomic<int> refused{0}, made{0};
  for (int n = 0; n < 4; ++n)
    all.push_back(std::async(std::launch::async, [&, n]() -> std::string {
      std::mt19937_64 random(seed + static_cast<std::uint64_t>(n));
      auto c = database.connect("cascade_producer");
      if (n == 3) must(c.exec("set default_transaction_isolation = 'repeatable read'"));
      const char* modes[] = {"raise", "skip", "replace", "reschedule"};
      for (int i = 0; i < 250; ++i) {
        const auto r = told(c, add("unique_key => 'k" + std::to_string(random() % keys) +
                                   "', unique_states => '{completed}', on_conflict => '" +
                                   modes[random() % 4] + "'"));
        if (r == "23505" || r == "40001")
          ++refused;
        else if (r.size() == 5 && !std::isdigit(r[0]))
          return r;
        else
          ++made;
      }
      return "ok";
    }));
  std::atomic<bool> over{false};
  auto ending = std::async(std::launch::async, [&]() -> std::string {
    std::mt19937_64 random(seed);
    auto c = database.connect("cascade_engine");
    while (!over) {
      const std::string some =
          "(select id from cascade.task where finished_on is null "
          "order by random() limit 2)";
      const auto r = c.exec(
          "update cascade.task t set status = (case when random() < 0.3 then 'completed' else "
          "'failed' end)::cascade.task_status, started_at = now(), finished_at = now(), "
          "finished_on "
          "= cascade.today() where t.id = any (array" +
          some + ")");
      if (!r) return r.error().sqlstate;
    }
    return "ok";
  });
  for (auto& f : all) EXPECT_EQ(f.get(), "ok");
  over = true;
  EXPECT_EQ(ending.get(), "ok");
  EXPECT_GT(made.load(), 0);
  EXPECT_EQ(value("select count(*) from (select unique_key from cascade.task where status <> "
                  "'failed' group by 1 having count(*) > 1) x"),
            "0")
      << "two tasks have a key";
  EXPECT_EQ(value("select count(*) from cascade.kept_key"),
            value("select count(*) from cascade.task where status = 'completed'"));
}

}  // namespace
