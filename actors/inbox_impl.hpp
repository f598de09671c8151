// actors/inbox_impl.hpp
//
// Shared by the inbox's own files only: its state, and the reads it sends.
#pragma once

#include <atomic>
#include <deque>

#include "actors/armed_read.hpp"
#include "actors/inbox.hpp"
#include "pg/listener.hpp"
#include "triggers/database_clock.hpp"

namespace cascade {

using inbox_impl =
    inbox_actor::extend<caf::reacts_to<inbox_read>, caf::reacts_to<doorbell_step>,
                        caf::reacts_to<inbox_wake>, caf::reacts_to<priorities_changed>>;

// What is read through a cursor.
struct inbox_backlog {
  std::string from, until;  // snapshots: the tasks that are new between them; no `from`: look ahead
  std::int64_t edge_before = 0, edge = 0;  // of the horizon, as in inbox_state
};

struct inbox_state {
  static inline const char* name = "cascade.inbox";
  engine_context_ptr context;
  scheduler_actor scheduler;
  arrival_sink counters;
  caf::strong_actor_ptr priorities;  // learns of changes of priority
  // Who waits for what this read, or a later one, brings.
  std::vector<std::pair<std::uint64_t, caf::typed_response_promise<inbox_synced>>> syncing;
  row_watcher watcher;  // may be null
  std::shared_ptr<pg::listener> listener;
  doorbell door;
  bool up = false;
  std::uint64_t generation = 0;
  std::uint64_t reading = 0;    // number of the read under way
  std::string snapshot;         // where the next read goes on; empty: not loaded
  std::string snapshot_others;  // the same of jobs and commands, which not every read looks for
  std::shared_ptr<pg::session> pager;  // reads the backlog: its transaction stays open meanwhile
  std::shared_ptr<std::atomic<bool>> pager_lost;
  std::vector<std::int64_t> adopted;
  bool load_wanted = false;
  bool loading = false;                // the backlog is the load
  bool paging = false;                 // a cursor is open
  std::deque<inbox_backlog> backlogs;  // the next ones
  std::int64_t edge = 0;  // tasks that wait for a later time are not brought in yet: us since 1970
  clock_estimate clock;
  std::optional<database_clock> clock_told;  // to the scheduler
  bool page_out = false;                     // the scheduler has a page of what is new
  bool backlog_out = false;                  // ... of the backlog
  std::uint64_t wake = 0;                    // generation of the armed timer
  std::optional<std::chrono::microseconds> wake_at;
  std::shared_ptr<armed_read> ready_read = std::make_shared<armed_read>();
  bool armed = false;
  std::uint64_t reads = 0, empty_reads = 0, pages = 0, bells = 0, tasks = 0;

  explicit inbox_state(doorbell_settings s = {}) : door(s) {}
  ~inbox_state() {
    if (pager) pager->close();
  }
};
using inbox_self = inbox_impl::stateful_pointer<inbox_state>;

inline std::int64_t horizon_us(const engine_settings& s) {
  return std::chrono::microseconds(s.horizon).count();
}
inline std::chrono::microseconds now(inbox_self self) {
  return std::chrono::duration_cast<std::chrono::microseconds>(
      self->clock().now().time_since_epoch());
}

// inbox_reads.cpp: what is sent to the database. Each answer comes back as a message.
void read_new(inbox_self self);  // what is new since the snapshot, in one statement
// The next backlog: a cursor on the pager, in a transaction of its own.
void read_backlog(inbox_self self);
void load(inbox_self self);  // everything unfinished, after the charges of a takeover
void next_page(inbox_self self);
void close_pages(inbox_self self);
// Nothing is to be done before a bell: whoever hears it sends the read.
void arm_read(inbox_self self);
// Before anything else is begun. A read that was fired meanwhile is under way.
void disarm_read(inbox_self self);
// Takes or gives back the doorbell locks. `silent`: gives back what an unsuccessful try got; nobody
// waits for the answer.
void move_locks(inbox_self self, bool lock, std::vector<std::int32_t> groups, bool silent = false);

}  // namespace cascade
