// tests/support/database_test.hpp
//
// Fixture for actors that talk to a real Postgres, still in virtual time: the test itself runs the
// Asio side, in until() and round_trip(), and plays the gateway. So a commit is never answered
// between two lines of a test that does not ask for it.
#pragma once

#include "sql/queries.hpp"
#include "tests/support/played/engine_test.hpp"
#include "tests/support/postgres.hpp"

namespace cascade {

using test::must;
using test::value_of;

class database_test : public engine_test {
public:
  test::test_database database;
  pg::connection admin = database.connect();
  epoch_id epoch;
  std::uint64_t generation = 0;
  int lost = 0;  // sessions

  database_test() {
    settings.conninfo = database.conninfo();
    settings.node_name = "test";
  }
  ~database_test() override { end_all(); }

  // Ends the actors and the Asio side. A test whose parts write to its own members calls it first.
  void end_database() {
    end_all();
    if (port) port->close();
    io.restart();
    io.run();
  }

  // -- the gateway's part -------------------------------------------------------------------------

  // Both connections, as actors/gateway.cpp opens them; without the locks of the lanes.
  void connect() {
    context();
    ++generation;
    std::vector<std::shared_ptr<pg::session>> writing;
    for (int i = 0; i < writers(); ++i) writing.push_back(open_session("writer"));
    port->open(open_session("reader"), std::move(writing));
  }
  int writers() { return static_cast<int>(context()->settings.writers); }
  database_changed take_over() {
    const std::vector<std::string> none;
    const auto r = must(admin.exec(
        sql::take_over.text,
        pg::params{}.text("test").int4(1).text("v").texts(none).texts(none).int4(writers())));
    epoch = epoch_id{r.int64(0, 0)};
    return {true,
            false,
            r.boolean(0, 1),
            epoch,
            std::vector<std::int64_t>(static_cast<std::size_t>(writers())),
            generation};
  }
  // What the gateway says after a reconnect in the same epoch.
  database_changed resumed() {
    const auto r = must(admin.exec(sql::resume_epoch.text, pg::params{}.int8(epoch.value)));
    std::vector<std::int64_t> batches;
    for (int i = 0; i < r.size(); ++i) batches.push_back(r.int64(i, 0));
    return {true, true, false, epoch, batches, generation};
  }
  void lose_connection() {
    announce({});
    std::vector<std::shared_ptr<pg::session>> all{port->reader()};
    for (int i = 0; i < writers(); ++i) all.push_back(port->writer(static_cast<std::size_t>(i)));
    for (const auto& s : all)
      if (s && s->backend_pid() != 0)  // waits until it is gone, and its locks with it
        must(admin.exec("select pg_terminate_backend($1, 30000)",
                        pg::params{}.int4(s->backend_pid())));
    port->close();
  }
  void reconnect() {
    connect();
    announce(resumed());
  }
  void own() {
    connect();
    announce(take_over());
  }

  // -- the Asio side ------------------------------------------------------------------------------

  // Runs actors and the Asio side until it is so. The deadline is the net of the test itself.
  template <class P>
  void until(P reached) {
    const auto net = pg::deadline::in(60s);
    for (;;) {
      settle();
      if (reached()) return;
      if (io.stopped()) io.restart();
      const bool ran = io.run_one_for(net.left()) > 0;
      ASSERT_FALSE(net.passed()) << "it did not come";
      ASSERT_TRUE(ran || sched.has_job()) << "nothing is left that it could come from";
    }
  }
  // Everything asked of the database so far has been answered, and the answers taken in.
  void round_trip() {
    int left = 2;
    const auto back = [&left](const pg::batch_reply&) { --left; };
    settle();
    port->read({}, back);
    port->write({}, back);
    until([&left] { return left == 0; });
  }
  // Virtual time in small steps, with the database keeping up.
  void live(caf::timespan all, caf::timespan step) {
    for (caf::timespan t{0}; t < all; t += step) {
      elapse(step);
      round_trip();
    }
  }

  // -- rows ---------------------------------------------------------------------------------------

  void run_sql(const std::string& text) { must(admin.exec_text(text)); }
  std::string value(const std::string& text) { return value_of(admin, text); }
  std::int64_t number(const std::string& text) { return std::stoll(value(text)); }
  task_id make_task(const test::task_fields& f = {}) { return task_id{test::make_task(admin, f)}; }
  std::string status_of(task_id id) {
    return value("select status::text from cascade.task where id = " + std::to_string(id.value));
  }

  // -- the connections that an actor opens for itself, by its name: "reconciler" --------------------

  bool waits_for_a_lock(const std::string& name) {
    return value("select count(*) from pg_stat_activity where wait_event_type = 'Lock' and " +
                 its_sessions(name)) == "1";
  }
  void end_sessions(const std::string& name) {
    run_sql("select pg_terminate_backend(pid, 30000) from pg_stat_activity where " +
            its_sessions(name));
  }

private:
  static std::string its_sessions(const std::string& name) {
    return "datname = current_database() and application_name = 'cascade " + name + "'";
  }
  std::shared_ptr<pg::session> open_session(const char* name) {
    pg::session_options options;
    options.conninfo = settings.conninfo;
    options.name = std::string("test ") + name;
    options.role = "cascade_engine";
    options.settings = {{"search_path", "pg_catalog"}};
    auto s = pg::session::make(io, std::move(options));
    s->start([] {}, [this](const pg::failure&) { ++lost; });
    return s;
  }
};

}  // namespace cascade
