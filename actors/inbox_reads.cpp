#include "actors/decode.hpp"
#include "actors/inbox_impl.hpp"
#include "actors/own_session.hpp"
#include "sql/queries.hpp"
#include "state/limits.hpp"

namespace cascade {
namespace {

// What to do with the answer to a read: it is decoded on the Asio thread. Statements whose rows are
// no inbox rows are skipped by `first`.
pg::batch_callback answer_to_read(inbox_self self, std::size_t first, bool paged,
                                  bool tasks_only = false) {
  auto& state = self->state;
  const std::size_t limit = state.context->settings.inbox_page_rows;
  return [to = caf::actor_cast<inbox_impl>(self), generation = state.generation,
          reading = state.reading, first, limit, paged, tasks_only,
          clock = &self->clock()](pg::batch_reply reply) {
    inbox_read answer;
    answer.answered = clock->now();
    answer.generation = generation;
    answer.reading = reading;
    answer.paged = paged;
    answer.tasks_only = tasks_only;
    answer.ok = reply.has_value();
    if (reply) {
      for (std::size_t i = first; i < reply.value().size(); ++i)
        if (reply.value()[i].columns() == inbox_columns)
          decode_inbox(reply.value()[i], answer.page);
        else if (reply.value()[i].columns() == 2 && reply.value()[i].size() == 1) {
          answer.page.snapshot = reply.value()[i].text(0, 0);
          answer.page.now = instant_of(reply.value()[i].int64(0, 1));
        }
      answer.full = answer.page.tasks.size() >= limit;
      answer.last = !answer.full;
    } else {
      answer.code = reply.error().code;
      answer.problem = pg::to_string(reply.error());
    }
    caf::anon_send(to, std::move(answer));
  };
}

// The other connections cannot read a backlog: whatever else they read in its transaction would be
// as old as its snapshot.
void open_pager(inbox_self self) {
  auto& state = self->state;
  if (state.pager && !*state.pager_lost) return;
  own_session own{.name = "pager"};
  // As for the other connections (actors/gateway.cpp); and in the order of the index, from the first
  // row on.
  own.settings = {{"jit", "off"}, {"idle_in_transaction_session_timeout", "0"}};
  for (const char* way :
       {"enable_seqscan", "enable_bitmapscan", "enable_hashjoin", "enable_mergejoin"})
    own.settings.emplace_back(way, "off");
  state.pager_lost = std::make_shared<std::atomic<bool>>(false);
  own.on_lost = [lost = state.pager_lost] { *lost = true; };
  state.pager = open_own_session(*state.context, std::move(own));
}

void read_page(inbox_self self, std::vector<pg::statement> batch, std::size_t first) {
  auto& state = self->state;
  state.pager->submit(std::move(batch), pg::deadline::in(state.context->settings.database_deadline),
                      answer_to_read(self, first, true));
}

// Larger payloads are fetched when their tasks start: a page must not take tens of megabytes.
constexpr std::int32_t payload_bytes_read = 16 << 10;
constexpr std::int32_t payload_bytes_paged = 2 << 10;

pg::params tags(const engine_settings& s) { return pg::params{}.texts(s.tags); }

std::vector<pg::statement> new_rows(inbox_self self, bool tasks_only = false) {
  const inbox_state& state = self->state;
  const engine_settings& s = state.context->settings;
  auto params = pg::params{}
                    .text(state.snapshot)
                    .int4(static_cast<std::int32_t>(s.inbox_page_rows))
                    .texts(s.tags)
                    .int4(payload_bytes_read)
                    .int8(state.edge);
  if (!tasks_only) params.text(state.snapshot_others);
  std::vector<pg::statement> batch;
  batch.emplace_back(tasks_only ? sql::read_new_tasks : sql::read_inbox, std::move(params));
  return batch;
}

std::string fetch_text(const engine_settings& s) {
  return "fetch " + std::to_string(s.inbox_page_rows) + " from load_tasks";
}

}  // namespace

void read_new(inbox_self self) {
  ++self->state.reading;
  self->state.context->database->read(new_rows(self), answer_to_read(self, 0, false));
}

void arm_read(inbox_self self) {
  auto& state = self->state;
  if (state.armed || state.door.state() != doorbell::mode::asleep || state.door.busy() ||
      state.door.blocked())
    return;
  state.armed = true;
  struct prepared {
    std::vector<pg::statement> all, tasks;
    pg::batch_callback on_all, on_tasks;
  };
  auto go = std::make_shared<prepared>();
  ++state.reading;  // whichever of them
  go->all = new_rows(self);
  go->on_all = answer_to_read(self, 0, false);
  // Nothing was in progress in the last snapshot: what is new began later.
  if (state.snapshot.ends_with(':')) {
    go->tasks = new_rows(self, true);
    go->on_tasks = answer_to_read(self, 0, false, true);
  }
  state.ready_read->arm([go, database = state.context->database](bool all) {
    if (all || go->tasks.empty())
      database->read(std::move(go->all), std::move(go->on_all));
    else
      database->read(std::move(go->tasks), std::move(go->on_tasks));
  });
}

void disarm_read(inbox_self self) {
  auto& state = self->state;
  if (!std::exchange(state.armed, false) || state.ready_read->disarm()) return;
  ++state.bells;
  state.door.on_read_begun();
  state.door.on_answered_bell(now(self));
}

void read_backlog(inbox_self self) {
  auto& state = self->state;
  const engine_settings& s = state.context->settings;
  const inbox_backlog next = std::move(state.backlogs.front());
  state.backlogs.pop_front();
  open_pager(self);
  state.paging = true;
  std::vector<pg::statement> batch;
  batch.emplace_back(std::string("begin isolation level repeatable read read only"));
  if (next.from.empty())
    batch.emplace_back(sql::look_ahead,
                       pg::params{}
                           .text(next.until)
                           .int8(next.edge_before)
                           .int8(next.edge)
                           .texts(s.tags)
                           .int4(payload_bytes_paged),
                       false);
  else
    batch.emplace_back(sql::load_new_tasks,
                       pg::params{}
                           .text(next.from)
                           .text(next.until)
                           .texts(s.tags)
                           .int4(payload_bytes_paged)
                           .int8(next.edge),
                       false);
  batch.emplace_back(fetch_text(s));
  read_page(self, std::move(batch), 1);
}

void load(inbox_self self) {
  auto& state = self->state;
  const engine_settings& s = state.context->settings;
  disarm_read(self);
  open_pager(self);
  state.load_wanted = false;
  state.loading = true;
  state.paging = true;
  std::vector<pg::statement> batch;
  batch.emplace_back(std::string("begin isolation level repeatable read read only"));
  batch.emplace_back(sql::load_snapshot);
  batch.emplace_back(sql::load_jobs);
  batch.emplace_back(sql::load_commands);
  batch.emplace_back(sql::load_tasks, tags(s).int4(payload_bytes_paged).int8(horizon_us(s)), false);
  batch.emplace_back(fetch_text(s));
  // The snapshot comes after the commit of the charges, or tasks that have just ended with them
  // would be loaded as running.
  state.context->database->write(
      {pg::statement(sql::recover_running,
                     pg::params{}.int8s(state.adopted).int4(limits::owner_losses_max))},
      [pager = state.pager, deadline = s.database_deadline, batch = std::move(batch),
       answer = answer_to_read(self, 1, true)](pg::batch_reply reply) {
        if (reply)
          pager->submit(batch, pg::deadline::in(deadline), answer);
        else
          answer(std::move(reply));
      });
}

void next_page(inbox_self self) {
  std::vector<pg::statement> batch;
  batch.emplace_back(fetch_text(self->state.context->settings));
  read_page(self, std::move(batch), 0);
}

void close_pages(inbox_self self) {
  self->state.paging = false;
  std::vector<pg::statement> batch;
  batch.emplace_back(std::string("commit"));
  self->state.pager->submit(std::move(batch),
                            pg::deadline::in(self->state.context->settings.database_deadline),
                            [](const pg::batch_reply&) {});
}

void move_locks(inbox_self self, bool lock, std::vector<std::int32_t> groups, bool silent) {
  auto& state = self->state;
  std::vector<pg::statement> batch;
  if (lock)
    batch.emplace_back(sql::lock_doorbells);
  else
    batch.emplace_back(sql::unlock_doorbells, pg::params{}.int4s(groups));
  if (silent) return state.context->database->read(std::move(batch), [](const pg::batch_reply&) {});
  state.context->database->read(
      std::move(batch), [to = caf::actor_cast<inbox_impl>(self), generation = state.generation,
                         lock](pg::batch_reply reply) {
        doorbell_step step;
        step.generation = generation;
        step.locked = lock;
        if (reply && lock) {
          const pg::rows& r = reply.value().front();
          for (int i = 0; i < r.size(); ++i)
            if (r.boolean(i, 1)) step.groups.push_back(r.int32(i, 0));
          step.got = static_cast<int>(step.groups.size()) == r.size();
        }
        caf::anon_send(to, std::move(step));
      });
}

}  // namespace cascade
