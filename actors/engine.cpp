#include "actors/engine.hpp"

#include "actors/gateway.hpp"
#include "actors/inbox.hpp"
#include "actors/pool.hpp"
#include "actors/propagator.hpp"
#include "actors/reconciler.hpp"
#include "actors/recorder.hpp"
#include "actors/retention.hpp"
#include "actors/scheduler.hpp"
#include "actors/schedules.hpp"

namespace cascade {
namespace {

template <class Handle>
caf::strong_actor_ptr opaque(const Handle& h) {
  return caf::actor_cast<caf::strong_actor_ptr>(h);
}

// A supervisor whose children are added later.
child_spec empty_supervisor(std::string name, unsigned restarts_max,
                            std::function<void(supervisor_actor)> started) {
  child_spec spec;
  spec.name = name;
  spec.kind = child_kind::supervisor;
  spec.awaits_ready = true;
  spec.spawn = [name, restarts_max, started](const supervisor_context& c) {
    supervisor_spec inner;
    inner.name = name;
    inner.restarts_max = restarts_max;
    supervisor_options options;
    options.log = c.log;
    options.parent = c.supervisor;
    auto handle = spawn_supervisor(c.system, std::move(inner), std::move(options));
    started(handle);
    return opaque(handle);
  };
  return spec;
}

child_spec worker_child(std::string name, spawn_function spawn,
                        caf::timespan shutdown_within = std::chrono::seconds(2)) {
  child_spec spec;
  spec.name = std::move(name);
  spec.spawn = std::move(spawn);
  spec.shutdown_within = shutdown_within;
  return spec;
}

}  // namespace

child_spec execution_child(engine_context_ptr context, std::shared_ptr<engine_parts> parts) {
  supervisor_spec spec;
  spec.name = "execution";
  spec.strategy = restart_strategy::one_for_all;
  spec.children.push_back(empty_supervisor("workers", 100, [parts](supervisor_actor a) {
    parts->set([&](auto& h) { h.workers = a; });
  }));
  spec.children.push_back(worker_child("pool", [context, parts](const supervisor_context& c) {
    auto pool = spawn_pool(c.system, context, parts->get().workers);
    parts->set([&](auto& h) { h.pool = pool; });
    return opaque(pool);
  }));
  return supervisor_child(std::move(spec));
}

child_spec engine_child(engine_context_ptr context, std::shared_ptr<engine_parts> parts) {
  supervisor_spec spec;
  spec.name = "engine";
  spec.strategy = restart_strategy::one_for_all;
  spec.restarts_max = 20;
  spec.within = std::chrono::seconds(60);
  restart_backoff backoff;
  auto add = [&](child_spec child) {
    child.backoff = backoff;
    spec.children.push_back(std::move(child));
  };
  add(worker_child("gateway", [context, parts](const supervisor_context& c) {
    auto gateway = spawn_gateway(c.system, context);
    parts->set([&](auto& h) { h.gateway = gateway; });
    return opaque(gateway);
  }));
  add(worker_child("cache", [context, parts](const supervisor_context& c) {
    auto cache = spawn_cache(c.system, context, parts->get().gateway);
    parts->set([&](auto& h) { h.cache = cache; });
    return opaque(cache);
  }));
  add(worker_child("recorder", [context, parts](const supervisor_context& c) {
    const auto h = parts->get();
    auto recorder = spawn_recorder(c.system, context, h.gateway, h.cache);
    parts->set([&](auto& all) { all.recorder = recorder; });
    return opaque(recorder);
  }));
  add(empty_supervisor("jobs", 10,
                       [parts](supervisor_actor a) { parts->set([&](auto& h) { h.jobs = a; }); }));
  add(worker_child("scheduler", [context, parts](const supervisor_context& c) {
    const auto h = parts->get();
    auto scheduler =
        spawn_scheduler(c.system, context, {h.gateway, h.pool, h.recorder, h.cache, h.jobs});
    parts->set([&](auto& all) { all.scheduler = scheduler; });
    return opaque(scheduler);
  }));
  add(worker_child("inbox", [context, parts](const supervisor_context& c) {
    const auto h = parts->get();
    auto inbox = spawn_inbox(c.system, context, h.gateway, h.scheduler, h.recorder, h.cache);
    parts->set([&](auto& all) { all.inbox = inbox; });
    return opaque(inbox);
  }));
  add(worker_child("propagator", [context, parts](const supervisor_context& c) {
    const auto h = parts->get();
    auto propagator =
        spawn_propagator(c.system, context, {h.gateway, h.recorder, h.scheduler, h.inbox});
    parts->set([&](auto& all) { all.propagator = propagator; });
    return opaque(propagator);
  }));
  add(worker_child("schedules", [context, parts](const supervisor_context& c) {
    const auto h = parts->get();
    return opaque(spawn_schedules(c.system, context, h.gateway, h.scheduler));
  }));
  add(worker_child("retention", [context, parts](const supervisor_context& c) {
    const auto h = parts->get();
    return opaque(spawn_retention(c.system, context, h.gateway, h.cache));
  }));
  add(worker_child("reconciler", [context, parts](const supervisor_context& c) {
    return opaque(spawn_reconciler(c.system, context, parts->get().gateway));
  }));
  return supervisor_child(std::move(spec));
}

console_provider spawn_console_relay(caf::actor_system& system,
                                     std::shared_ptr<engine_parts> its_parts) {
  return system.spawn(
      [](console_provider::pointer self,
         std::shared_ptr<engine_parts> parts) -> console_provider::behavior_type {
        return {
            [self, parts](const console_query& q) -> caf::result<console_answer> {
              const auto h = parts->get();
              const bool cached = q.command == "task" || q.command == "job" || q.command == "cache";
              const console_provider to = q.command == "inbox" ? console_provider(h.inbox)
                                          : q.command == "priorities"
                                              ? console_provider(h.propagator)
                                          : cached ? console_provider(h.cache)
                                                   : console_provider(h.scheduler);
              if (!to) return caf::make_error(errc::not_found);
              return self->delegate(to, q);
            },
        };
      },
      std::move(its_parts));
}

}  // namespace cascade
