// tests/support/inbox_reader.hpp
//
// Plays the part of actors/inbox.cpp towards the database: its statements, batch by batch, with the
// settings of the gateway's session, without its actors.
//
// Thread   the caller's, who runs the io_context.
// Life     must outlive the answers that are under way.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <regex>
#include <string>
#include <utility>
#include <vector>

#include "actors/decode.hpp"
#include "pg/session.hpp"
#include "sql/queries.hpp"

namespace cascade::test {

inline pg::session_options engine_session(const std::string& conninfo) {
  pg::session_options o;
  o.conninfo = conninfo;
  o.name = "cascade reader";
  o.role = "cascade_engine";
  o.settings = {{"search_path", "pg_catalog"},
                {"jit", "off"},
                {"plan_cache_mode", "force_generic_plan"},
                {"enable_seqscan", "off"},
                {"enable_hashjoin", "off"},
                {"enable_mergejoin", "off"}};
  return o;
}

// The statements of a read. Broken: without the rows whose transaction was in progress in the last
// snapshot, to see that a test notices.
class inbox_statements {
  std::string read_, tasks_;

  static std::string forgetful(const char* text) {
    static const std::regex in_progress(
        R"(\w\.xid = any \(array\(select pg_snapshot_xip\(\$[16]::text::pg_snapshot\)\)\))");
    EXPECT_TRUE(std::regex_search(text, in_progress)) << text;
    return std::regex_replace(text, in_progress, "false");
  }

public:
  sql::query read = sql::read_inbox, new_tasks = sql::load_new_tasks;

  explicit inbox_statements(bool broken = false) {
    if (!broken) return;
    read = {"broken_read", (read_ = forgetful(read.text)).c_str()};
    new_tasks = {"broken_tasks", (tasks_ = forgetful(new_tasks.text)).c_str()};
  }
  inbox_statements(const inbox_statements&) = delete;
  inbox_statements& operator=(const inbox_statements&) = delete;
};

class inbox_reader {
public:
  using page_callback = std::function<void(const inbox_page&)>;
  // Rows of the (last) page, and whether the read went through a cursor: as in doorbell::on_read.
  using done_callback = std::function<void(std::size_t rows, bool paged)>;

  std::uint64_t reads = 0, paged_reads = 0;

  inbox_reader(std::shared_ptr<pg::session> session, std::size_t page_rows, page_callback each,
               bool broken = false)
      : session_(std::move(session)),
        page_rows_(page_rows),
        each_(std::move(each)),
        statements_(broken) {}

  // Everything unfinished; the first read goes on from its snapshot.
  void load(done_callback done) {
    done_ = std::move(done);
    auto batch = begin();
    batch.emplace_back(sql::load_snapshot);
    batch.emplace_back(sql::load_jobs);
    batch.emplace_back(sql::load_commands);
    batch.emplace_back(sql::load_tasks, tags().int4(0).int8(far), false);
    batch.push_back(fetch());
    submit(std::move(batch), 1, true);
  }

  void read(done_callback done) {
    done_ = std::move(done);
    ++reads;
    std::vector<pg::statement> batch;
    batch.emplace_back(statements_.read, pg::params{}
                                             .text(snapshot_)
                                             .int4(static_cast<std::int32_t>(page_rows_))
                                             .texts(no_tags_)
                                             .int4(64 << 10)
                                             .int8(far)
                                             .text(snapshot_));
    submit(std::move(batch), 0, false);
  }

private:
  static constexpr std::int64_t far = std::int64_t{1} << 60;  // no horizon

  std::shared_ptr<pg::session> session_;
  std::size_t page_rows_;
  page_callback each_;
  inbox_statements statements_;
  std::vector<std::string> no_tags_;
  std::string snapshot_, next_snapshot_;
  done_callback done_;

  pg::params tags() const { return pg::params{}.texts(no_tags_); }
  pg::statement fetch() const {
    return pg::statement("fetch " + std::to_string(page_rows_) + " from load_tasks");
  }
  static std::vector<pg::statement> begin() {
    std::vector<pg::statement> batch;
    batch.emplace_back(std::string("begin isolation level repeatable read read only"));
    return batch;
  }

  void read_backlog() {
    ++paged_reads;
    auto batch = begin();
    batch.emplace_back(
        statements_.new_tasks,
        pg::params{}.text(snapshot_).text(next_snapshot_).texts(no_tags_).int4(0).int8(far), false);
    batch.push_back(fetch());
    submit(std::move(batch), 1, true);
  }

  void submit(std::vector<pg::statement> batch, std::size_t first, bool paged) {
    session_->submit(
        std::move(batch), pg::deadline::in(std::chrono::seconds{60}),
        [this, first, paged](pg::batch_reply reply) { answered(reply, first, paged); });
  }

  void answered(const pg::batch_reply& reply, std::size_t first, bool paged) {
    if (!reply) {
      ADD_FAILURE() << pg::to_string(reply.error());
      return std::exchange(done_, nullptr)(0, false);
    }
    inbox_page page;
    for (std::size_t i = first; i < reply.value().size(); ++i) {
      const pg::rows& r = reply.value()[i];
      if (r.columns() == inbox_columns)
        decode_inbox(r, page);
      else if (r.columns() == 2 && r.size() == 1)
        page.snapshot = r.text(0, 0);
    }
    const bool full = page.tasks.size() >= page_rows_;
    if (!page.snapshot.empty()) next_snapshot_ = page.snapshot;
    const bool overflow = !paged && full;
    if (overflow) page.tasks.clear();
    each_(page);
    if (overflow) return read_backlog();
    if (full) {
      std::vector<pg::statement> batch;
      batch.push_back(fetch());
      return submit(std::move(batch), 0, true);
    }
    if (paged) session_->submit(pg::statement(std::string("commit")), {}, [](auto&&) {});
    snapshot_ = next_snapshot_;
    std::exchange(done_, nullptr)(page.rows(), paged);
  }
};

}  // namespace cascade::test
