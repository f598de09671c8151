#include "tests/support/doorbell_world.hpp"

#include <gtest/gtest.h>

namespace cascade::test {
namespace {

doorbell_settings door_settings() {
  doorbell_settings s;
  s.awake_bells = 2;
  s.idle_reads = 1;
  s.lock_retry_reads_max = 4;  // a round need not wait long for the next try
  return s;
}

}  // namespace

doorbell_world::doorbell_world(std::uint64_t seed, bool broken)
    : random_(seed), broken_(broken), door_(door_settings()) {
  make_gates();
  open_sessions();
  bool loaded = false;
  inbox_->load([&](std::size_t, bool) { loaded = true; });
  until([&] { return loaded && listener_->up(); });
}

doorbell_world::~doorbell_world() {
  listener_->stop();
  session_->close();
  for (auto& p : producers_) p.session->close();
  io_.restart();
  io_.run();
}

// The first stands before the bell of an insert, which the default of its xid rings; the second between that
// and the commit; the third within the commit, before the notification is queued and the transaction
// becomes visible.
void doorbell_world::make_gates() {
  must(control_.exec_text(R"(
    create function public.wait_at(gate text) returns void language plpgsql as $$
    declare
      n int := current_setting('test.producer', true);
    begin
      if current_setting('test.gate', true) = gate then
        perform set_config('test.gate', '', true);
        raise notice 'gate';
        perform pg_advisory_lock_shared(727999, n);
        perform pg_advisory_unlock_shared(727999, n);
      end if;
    end $$;
    create function public.announce() returns xid8 language plpgsql as $$
    begin
      perform public.wait_at('before');
      return cascade.announce();
    end $$;
    alter table cascade.task alter xid set default public.announce();
    alter table cascade.task_unfinished alter xid set default public.announce();
    create function public.gate() returns trigger language plpgsql as $$
    begin
      perform public.wait_at(tg_argv[0]);
      return new;
    end $$;
    create trigger task_950_gate after insert on cascade.task
      for each statement execute function public.gate('after');
    create constraint trigger task_990_gate after insert on cascade.task
      deferrable initially deferred for each row execute function public.gate('commit'))"));
}

void doorbell_world::open_sessions() {
  const auto lost = [](const pg::failure& f) { ADD_FAILURE() << pg::to_string(f); };
  for (std::size_t i = 0; i < producers; ++i) {
    pg::session_options o;
    o.conninfo = database_.conninfo();
    o.settings = {{"test.producer", std::to_string(i)}};
    o.on_notice = [this, i](const pg::failure&) { producers_[i].at_gate = true; };
    producers_[i].session = pg::session::make(io_, std::move(o));
    producers_[i].session->start([] {}, lost);
  }
  session_ = pg::session::make(io_, engine_session(database_.conninfo()));
  session_->start([] {}, lost);
  inbox_.emplace(session_, 6, [this](const inbox_page& page) {
    for (const auto& t : page.tasks) mark(tasks_, t.id.value, 2);
    for (const auto& j : page.jobs) mark(jobs_, j.id.value, 2);
  });
  pg::listener_options o;
  o.conninfo = database_.conninfo();
  o.channels = {"cascade.doorbell", "test.barrier"};
  pg::listener_callbacks callbacks;
  callbacks.on_notify = [this](std::string_view channel, std::string_view payload) {
    if (channel == "test.barrier")
      barrier_seen_ = std::stoull(std::string(payload));
    else
      ++bells_, ++count.bells;
  };
  callbacks.on_up = [] {};
  callbacks.on_down = lost;
  listener_ = pg::listener::make(io_, std::move(o), std::move(callbacks));
  listener_->start();
}

void doorbell_world::mark(std::vector<std::uint8_t>& of, std::int64_t id, std::uint8_t bit) {
  const auto at = static_cast<std::size_t>(id);
  if (at >= of.size()) of.resize(at * 2 + 1'000);
  if ((of[at] & bit) != 0) twice_ = true;
  of[at] |= bit;
  ++(bit == 1 ? committed_ : seen_);
  unseen_ += bit == 1 ? (of[at] == 1 ? 1 : 0) : (of[at] == 3 ? -1 : 0);
}

bool doorbell_world::exact() const { return !twice_ && seen_ - committed_ + unseen_ == 0; }

// -- the owner, as in actors/inbox.cpp

void doorbell_world::move_locks(bool lock) {
  std::vector<pg::statement> batch;
  std::vector<std::int32_t> groups(16);
  for (int i = 0; i < 16; ++i) groups[static_cast<std::size_t>(i)] = i;
  if (lock)
    batch.emplace_back(sql::lock_doorbells);
  else
    batch.emplace_back(sql::unlock_doorbells, pg::params{}.int4s(groups));
  session_->submit(std::move(batch), soon(), [this, lock](const pg::batch_reply& reply) {
    if (!reply) throw std::runtime_error(pg::to_string(reply.error()));
    if (!lock) return void(answer_ = [this] { ++count.wakes, door_.on_unlocked(); });
    const pg::rows& r = reply.value().front();
    std::vector<std::int32_t> got;
    for (int i = 0; i < r.size(); ++i)
      if (r.boolean(i, 1)) got.push_back(r.int32(i, 0));
    answer_ = [this, got, all = static_cast<int>(got.size()) == r.size()] {
      if (!all) {
        ++count.refused;
        session_->submit(pg::statement(sql::unlock_doorbells, pg::params{}.int4s(got)), soon(),
                         [](const pg::batch_reply&) {});
      }
      door_.on_locked(all);
    };
  });
}

void doorbell_world::deliver() {
  until([&] { return answer_ != nullptr; });
  under_way_ = false;
  const auto before = door_.state();
  std::exchange(answer_, nullptr)();
  if (before != doorbell::mode::asleep && door_.state() == doorbell::mode::asleep) ++count.sleeps;
}

// False when there is nothing for it to do.
bool doorbell_world::owner_step() {
  if (under_way_) return deliver(), true;
  door_.set_blocked(blocked_);
  const auto what = door_.next();
  if (what == doorbell::action::none) return false;
  under_way_ = true;
  if (what != doorbell::action::read) {
    move_locks(what == doorbell::action::lock);
  } else if (broken_ && door_.state() == doorbell::mode::last_read) {
    answer_ = [this] { door_.on_read(0, false); };
  } else {
    inbox_->read([this](std::size_t rows, bool paged) {
      answer_ = [this, rows, paged] { door_.on_read(rows, paged); };
    });
  }
  return true;
}

// -- the schedule

void doorbell_world::step() {
  io_.restart();
  io_.poll();
  const auto pick = random_() % 16;
  const auto i = random_() % producers;
  if (pick < 4) {
    if (producers_[i].in_flight || producers_[i].open || one_in(reluctance_))
      producer_step(i, false);
  } else if (pick < 6) {
    if (bells_ > 0) --bells_, door_.on_bell({});
  } else if (pick < 9) {
    if (door_.state() != doorbell::mode::asleep) door_.on_timer();  // awake polls go on
  } else if (pick == 9) {
    blocked_ = one_in(4);
  } else if (!under_way_ || answer_ != nullptr || one_in(3)) {
    owner_step();
  }
}

void doorbell_world::finish(std::size_t i) {
  auto& p = producers_[i];
  while (p.in_flight || p.open || p.gate_locked) {
    producer_step(i, true);
    if (one_in(2)) owner_step();
  }
}

bool doorbell_world::settle() {
  blocked_ = false;
  for (std::size_t i = 0; i < producers; ++i) finish(i);
  // One last transaction somewhere on the owner's way to sleep: no later one makes up for it.
  for (auto n = random_() % 8; n > 0; --n) {
    if (!owner_step() && door_.state() != doorbell::mode::asleep) door_.on_timer();
  }
  begin(0);
  finish(0);
  // Notifications come in the order of their commits: behind this one, no bell is on its way.
  must(control_.exec("select pg_notify('test.barrier', $1)",
                     pg::params{}.text(std::to_string(++barrier_))));
  until([&] { return barrier_seen_ == barrier_; });
  const bool until_asleep = one_in(2);
  while (unseen_ > 0 || under_way_ || (until_asleep && door_.state() != doorbell::mode::asleep)) {
    if (bells_ > 0 && one_in(2)) --bells_, door_.on_bell({});
    if (owner_step()) continue;
    if (door_.state() != doorbell::mode::asleep)
      door_.on_timer();
    else if (bells_ == 0)
      break;
  }
  return unseen_ == 0;
}

void doorbell_world::round() {
  reluctance_ = 1 + static_cast<unsigned>(random_() % 8);
  for (auto n = 10 + random_() % 50; n > 0; --n) step();
  if (settle()) return;
  ++count.lost;
  door_.on_timer();  // the fallback poll, so that the next round begins clean
  while (unseen_ > 0) owner_step();
}

}  // namespace cascade::test
