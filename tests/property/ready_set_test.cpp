// The ready set against plain lists, whatever is hot or cold. The test plays the owner: it keeps the
// bodies, answers reloads when it likes, and drops what was cancelled.
#include "triggers/ready_set.hpp"

#include <gtest/gtest.h>

#include <set>

#include "tests/support/seed.hpp"

namespace cascade {
namespace {

struct owner {
  std::mt19937_64 random;
  ready_set set;
  std::map<ready_set::place, std::vector<cold_key>> model;  // what is ready, in order
  std::map<ready_set::place, ready_line> parked;            // out of the set for a while
  std::map<ready_set::place, std::vector<cold_key>> parked_model;
  std::set<task_id> cancelled;  // still about in the set
  std::set<std::uint32_t> bodies;
  std::vector<ready_set::reload> reloads;
  std::vector<ready_set::lot_index> lots;
  std::int64_t last_id = 0;
  std::uint32_t last_body = 0;

  explicit owner(std::uint64_t seed) : random(seed) {
    for (const char* name : {"a", "b", "c"}) lots.push_back(set.lot(name, handler_class::quick));
  }

  std::uint64_t tenants = 0;

  std::uint64_t below(std::uint64_t n) { return random() % n; }
  std::uint8_t priority() {
    constexpr std::array<std::uint8_t, 5> some{0, 30, 63, 64, 100};
    return some[below(some.size())];
  }
  ready_set::place place() {
    const auto tenant = tenants == 0 ? 0 : static_cast<tenant_index>(below(tenants));
    return {lots[below(lots.size())], priority(), tenant};
  }
  std::uint32_t body() {
    bodies.insert(++last_body);
    return last_body;
  }
  void release(const freed_bodies& freed) {
    for (const auto b : freed) {
      if (b != 0) {
        ASSERT_EQ(bodies.erase(b), 1u) << "a body was freed twice, or never was";
      }
    }
  }
  bool keep(const cold_key& k) { return cancelled.erase(k.id) == 0; }

  void push() {
    const auto at = place();
    ready_key key;
    key.id = task_id{++last_id};
    key.job = job_id{static_cast<std::int64_t>(below(4))};
    key.priority = at.priority;
    key.tenant = at.tenant;
    key.flags = static_cast<std::uint8_t>(below(2));
    if (set.takes_hot(at) && below(8) != 0) key.body = body();
    set.push_back(at.lot, key);
    model[at].push_back({key.id, key.job, key.flags});
  }

  void begin_reload() {
    const auto lot = lots[below(lots.size())];
    if (set.size(lot) > 0) begin_reload(lot);
  }
  void begin_reload(ready_set::lot_index lot) {
    set.begin_reload(
        set.next_of(lot), 1 + below(6), [this](const cold_key& k, const auto&) { return keep(k); },
        reloads);
  }
  void end_reload() {
    if (reloads.empty()) return;
    const auto at = reloads.begin() + static_cast<std::ptrdiff_t>(below(reloads.size()));
    const auto r = std::move(*at);
    reloads.erase(at);
    bool full = false;
    set.end_reload(r, [&](const cold_key& k, ready_key& key) {
      if (cancelled.erase(k.id) > 0) return ready_line::fetched::gone;
      full = full || below(12) == 0;
      if (full) return ready_line::fetched::later;
      key = {k.id, k.job, body(), 0, 0, r.from.priority, k.flags, r.from.tenant};
      return ready_line::fetched::here;
    });
  }

  void pop() {
    for (;;) {
      const auto lot = set.choose(handler_class::quick, [](auto) { return true; });
      if (!lot) return;
      if (!set.has_hot(*lot)) {
        // Nothing less urgent may start: the answer must come first.
        if (set.reloading(*lot)) {
          ASSERT_FALSE(reloads.empty());
          end_reload();
        } else {
          begin_reload(lot->lot);
        }
        continue;
      }
      const ready_key key = set.pop(*lot);
      release({key.body});
      if (cancelled.erase(key.id) > 0) continue;
      for (const auto& [at, line] : model)
        ASSERT_TRUE(line.empty() || at.priority <= key.priority) << "more urgent ones wait";
      auto& line = model[{lot->lot, key.priority, key.tenant}];
      ASSERT_FALSE(line.empty());
      ASSERT_EQ(line.front(), (cold_key{key.id, key.job, key.flags})) << "overtaken, or twice";
      line.erase(line.begin());
      return;
    }
  }

  // Some keys at the head of a lot leave the set, as those of a paused job, and come back in front.
  void park() {
    const auto first = set.choose(handler_class::quick, [](auto) { return true; });
    if (!first) return;
    const auto lot = first->lot;
    for (auto n = below(8); n > 0 && set.size(lot) > 0 && set.has_hot(set.next_of(lot)); --n) {
      ready_key key = set.pop(set.next_of(lot));
      if (cancelled.erase(key.id) > 0) {
        release({key.body});
        continue;
      }
      const ready_set::place at{lot, key.priority, key.tenant};
      model[at].erase(model[at].begin());
      parked_model[at].push_back({key.id, key.job, key.flags});
      if (!parked[at].takes_hot() || below(4) == 0) release({std::exchange(key.body, 0)});
      parked[at].push_back(key);
    }
  }
  void unpark() {
    for (auto& [at, line] : std::exchange(parked, {})) {
      freed_bodies freed;
      set.put_before(at, std::move(line), freed);
      release(freed);
    }
    for (auto& [at, line] : std::exchange(parked_model, {}))
      model[at].insert(model[at].begin(), line.begin(), line.end());
  }

  void reprioritize() {
    std::vector<task_priority> tasks;
    std::vector<job_priority> jobs;
    for (auto n = below(20); n > 0; --n)
      tasks.push_back(
          {task_id{1 + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(last_id) + 1))},
           {},
           priority()});
    for (auto n = below(3); n > 0; --n)
      jobs.push_back({job_id{1 + static_cast<std::int64_t>(below(3))}, priority()});
    const auto to = [&](const cold_key& k, std::uint8_t here) {
      for (const auto& j : jobs)
        if (j.job == k.job) here = j.priority;
      for (const auto& t : tasks)
        if (t.task == k.id) here = t.priority;
      return here;
    };
    freed_bodies freed;
    set.reprioritize({tasks, jobs}, freed);
    release(freed);
    std::vector<std::pair<ready_set::place, cold_key>> moved;
    for (auto& [at, line] : model)
      std::erase_if(line, [&](const cold_key& k) {
        const ready_set::place goes{at.lot, to(k, at.priority), at.tenant};
        if (goes == at) return false;
        moved.emplace_back(goes, k);
        return true;
      });
    for (const auto& [at, k] : moved) model[at].push_back(k);
  }

  void cancel() {
    const auto at = model.find(place());
    if (at == model.end() || at->second.empty()) return;
    const auto which = at->second.begin() + static_cast<std::ptrdiff_t>(below(at->second.size()));
    cancelled.insert(which->id);
    at->second.erase(which);
  }

  void spill() {
    freed_bodies freed;
    set.spill(
        1 + below(20),
        [this](const auto&) -> std::optional<int> {
          return below(10) == 0 ? std::nullopt : std::optional(0);
        },
        freed);
    release(freed);
  }

  void check() {
    std::size_t count = cancelled.size(), hot = set.hot_size();
    for (const auto& [at, line] : model) count += line.size();
    ASSERT_EQ(set.size(), count);
    if (const auto& line = model[place()]; !line.empty()) {
      const auto n = below(line.size());
      const auto found = set.find_task(line[n].id);
      ASSERT_TRUE(found);
      ASSERT_EQ(found->job, line[n].job);
      ASSERT_EQ(&line, &model[found->at]);
      ASSERT_GE(found->before, n);
      ASSERT_LE(found->before, n + cancelled.size()) << "cancelled ones are still about";
    }
    for (const auto& [at, line] : parked) hot += line.hot_size();
    ASSERT_EQ(hot, bodies.size()) << "each hot key has a body, and each body a key";
  }
};

void random_story(std::uint64_t tenants) {
  owner o(test_seed());
  o.tenants = tenants;
  for (int step = 0; step < 60'000; ++step) {
    switch (o.below(16)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
        o.push();
        break;
      case 5:
      case 6:
      case 7:
      case 8:
        ASSERT_NO_FATAL_FAILURE(o.pop()) << "step " << step;
        break;
      case 9:
        o.spill();
        break;
      case 10:
        o.begin_reload();
        break;
      case 11:
        o.end_reload();
        break;
      case 12:
        o.cancel();
        break;
      case 13:
        if (o.below(4) == 0) o.reprioritize();
        break;
      case 14:
        o.below(2) == 0 ? o.park() : o.unpark();
        break;
      default:
        if (o.below(8) == 0) {
          o.set.abandon_reloads();
          if (o.below(2) == 0) o.reloads.clear();  // else their answers come, and mean nothing
        }
    }
    ASSERT_NO_FATAL_FAILURE(o.check()) << "step " << step;
  }
  o.unpark();
  while (o.set.size() > 0) ASSERT_NO_FATAL_FAILURE(o.pop());
  ASSERT_NO_FATAL_FAILURE(o.check());
}

TEST(ready_set, is_a_list_for_each_priority_whatever_is_hot_or_cold) { random_story(0); }

TEST(ready_set, is_a_list_for_each_tenant_and_priority_whatever_is_hot_or_cold) { random_story(4); }

// Pages of a backlog between newer arrivals: of one line, nothing that was there when a backlog's
// key came may be overtaken by it, and no newer one goes before the backlog's keys.
TEST(ready_set, what_arrives_while_a_backlog_is_read_waits_behind_it) {
  std::mt19937_64 random(test_seed());
  for (int round = 0; round < 200; ++round) {
    ready_set set;
    freed_bodies freed;
    const auto lot = set.lot("q", handler_class::quick);
    std::vector<std::int64_t> old, fresh;
    std::int64_t id = 0;
    for (int i = 0; i < 100; ++i) {
      const bool backlog = i == 0 || random() % 2 != 0;
      ready_key key;
      key.id = task_id{++id};
      if (set.takes_hot({lot, key.priority}, backlog)) key.body = 1;
      set.push_back(lot, key, backlog);
      (backlog ? old : fresh).push_back(id);
      if (random() % 10 == 0)
        set.spill(
            random() % 10, [](const auto&) { return std::optional(0); }, freed);
    }
    set.end_backlog();
    old.insert(old.end(), fresh.begin(), fresh.end());
    std::vector<std::int64_t> order;
    while (set.size() > 0) {
      if (!set.has_hot(set.next_of(lot))) {
        std::vector<ready_set::reload> r;
        set.begin_reload(
            set.next_of(lot), 7, [](const auto&, const auto&) { return true; }, r);
        set.end_reload(r.front(), [](const cold_key& k, ready_key& key) {
          key.id = k.id;
          return ready_line::fetched::here;
        });
      }
      order.push_back(set.pop(set.next_of(lot)).id.value);
    }
    ASSERT_EQ(order, old);
  }
}

}  // namespace
}  // namespace cascade
