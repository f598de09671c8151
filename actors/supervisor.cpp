#include "actors/supervisor.hpp"

#include "actors/supervisor_state.hpp"
#include "state/assert.hpp"

namespace cascade {

void send_exit_first(const caf::strong_actor_ptr& whom, caf::exit_reason reason) {
  if (!whom) return;
  whom->enqueue(nullptr, caf::make_message_id(caf::message_priority::high),
                caf::make_message(caf::exit_msg{caf::actor_cast<caf::actor_addr>(whom), reason}),
                nullptr);
}

// -- the table of children ------------------------------------------------------------------------

supervisor_state::~supervisor_state() {
  for (auto c = children_.rbegin(); c != children_.rend(); ++c)
    send_exit_first(c->second.actor, caf::exit_reason::kill);
}

void supervisor_state::begin(supervisor_self self, supervisor_spec spec,
                             supervisor_options options) {
  self_ = self;
  spec_ = std::move(spec);
  parent_ = std::move(options.parent);
  log_ = options.log ? std::move(options.log) : supervision_log(log_supervision);
  window_ = restart_window(spec_.restarts_max, spec_.within);
  for (auto& child_of_spec : spec_.children) {
    CASCADE_ASSERT(by_name(child_of_spec.name) == nullptr);
    starts_.insert(add(std::move(child_of_spec), false).order);
  }
  spec_.children.clear();
  // Not here: an actor that quits before it has a behaviour does not end.
  self->send(self, supervisor_wake{});
}

supervised_child& supervisor_state::add(child_spec spec, bool added) {
  child& c = children_[++last_order_];
  c.order = last_order_;
  c.spec = std::move(spec);
  c.added = added;
  orders_by_name_[c.spec.name] = c.order;
  return c;
}

void supervisor_state::forget(child& c) {
  orders_by_name_.erase(c.spec.name);
  starts_.erase(c.order);
  children_.erase(c.order);
}

supervised_child* supervisor_state::by_name(const std::string& child_name) {
  const auto found = orders_by_name_.find(child_name);
  return found == orders_by_name_.end() ? nullptr : &children_.at(found->second);
}

supervised_child* supervisor_state::by_actor(caf::actor_id id) {
  const auto found = orders_by_actor_.find(id);
  return found == orders_by_actor_.end() ? nullptr : &children_.at(found->second);
}

void supervisor_state::arm(child& c, caf::timespan delay) {
  self_->delayed_send(self_, delay, supervisor_wake{c.order, ++c.generation});
}

void supervisor_state::refuse_start(child& c, const caf::error& why) {
  if (c.on_start.pending()) c.on_start.deliver(why);
  c.on_start = {};
}

void supervisor_state::answer_stops(child& c) {
  for (auto& waiting : c.on_stop) waiting.deliver(child_stopped{c.spec.name});
  c.on_stop.clear();
}

void supervisor_state::emit(supervision_step what, const child* c, const caf::error& reason,
                            caf::timespan delay) const {
  supervision_event event{what, spec_.name, {}, 0, error_text(reason), delay, 0};
  if (c) {
    event.child = c->spec.name;
    event.actor = c->actor ? c->actor->id() : 0;
    event.restarts = c->restarts();
  }
  log_(event);
}

// -- messages -------------------------------------------------------------------------------------

void supervisor_state::ready(const caf::strong_actor_ptr& sender) {
  child* c = sender ? by_actor(sender->id()) : nullptr;
  if (!c || c->actor != sender || c->phase != child_phase::starting)
    return;  // stale, or of a stranger
  up(*c);
  step();
}

void supervisor_state::down(const caf::actor_addr& source, const caf::error& reason) {
  child* c = by_actor(source.id());
  if (!c || c->actor != source) return;
  ended(*c, c->start_missed ? c->last_error : reason);
}

caf::result<child_started> supervisor_state::start(const start_child& m) {
  if (ending_) return caf::make_error(supervisor_errc::shutting_down);
  if (by_name(m.spec.name)) return caf::make_error(supervisor_errc::name_taken, m.spec.name);
  child& c = add(m.spec, true);
  auto promise = self_->make_response_promise<child_started>();
  c.on_start = promise;
  starts_.insert(c.order);
  step();
  return promise;
}

caf::result<child_started> supervisor_state::restart(const restart_child& m) {
  if (ending_) return caf::make_error(supervisor_errc::shutting_down);
  child* c = by_name(m.name);
  if (!c) return caf::make_error(supervisor_errc::child_not_found, m.name);
  if (c->phase == child_phase::running) return child_started{c->actor->id(), c->actor};
  if (c->alive() || c->on_start.pending())
    return caf::make_error(supervisor_errc::name_taken, m.name);
  auto promise = self_->make_response_promise<child_started>();
  c->on_start = promise;
  c->held = false;
  c->phase = child_phase::down;  // a backoff is cut short
  disarm(*c);
  starts_.insert(c->order);
  step();
  return promise;
}

caf::result<child_stopped> supervisor_state::stop(const stop_child& m) {
  child* c = by_name(m.name);
  if (!c) return caf::make_error(supervisor_errc::child_not_found, m.name);
  if (!c->alive()) {
    c->held = true;
    c->phase = child_phase::down;
    disarm(*c);
    starts_.erase(c->order);
    refuse_start(*c, caf::make_error(supervisor_errc::shutting_down));
    if (c->added) forget(*c);
    step();  // it may have held up others
    return child_stopped{m.name};
  }
  auto promise = self_->make_response_promise<child_stopped>();
  c->on_stop.push_back(promise);
  c->held = true;
  c->start_missed = false;  // from here on its end is wanted
  starts_.erase(c->order);
  if (c->phase == child_phase::starting || c->phase == child_phase::running) stop_one(*c);
  return promise;
}

restart_counters supervisor_state::counters() const {
  restart_counters out{spec_.name, restarts_total_, {}};
  for (const auto& [order, c] : children_)
    if (!c.added || c.restarts() > 0) out.children.push_back({c.spec.name, c.restarts()});
  return out;
}

// -- the actor ------------------------------------------------------------------------------------

namespace {

supervisor_impl::behavior_type supervisor(supervisor_self self, supervisor_spec spec,
                                          supervisor_options options) {
  self->set_down_handler([self](caf::down_msg& m) { self->state.down(m.source, m.reason); });
  self->set_exit_handler([self](caf::exit_msg& m) {
    if (m.reason) self->state.end(std::move(m.reason));
  });
  self->state.begin(self, std::move(spec), std::move(options));
  return {
      [self](const child_ready&) { self->state.ready(self->current_sender()); },
      [self](const start_child& m) { return self->state.start(m); },
      [self](const stop_child& m) { return self->state.stop(m); },
      [self](const restart_child& m) { return self->state.restart(m); },
      [self](const describe& m) { return self->state.describe_tree(m); },
      [self](const find_child& m) { return self->state.find(m); },
      [self](const restart_query&) { return self->state.counters(); },
      [self](const supervisor_wake& m) { self->state.wake(m); },
  };
}

}  // namespace

supervisor_actor spawn_supervisor(caf::actor_system& system, supervisor_spec spec,
                                  supervisor_options options) {
  return system.spawn(supervisor, std::move(spec), std::move(options));
}

child_spec supervisor_child(supervisor_spec spec, restart_policy restart) {
  child_spec child;
  child.name = spec.name;
  child.restart = restart;
  child.kind = child_kind::supervisor;
  child.awaits_ready = true;
  child.ready_within = ready_budget(spec);
  child.shutdown_within = shutdown_budget(spec);
  child.spawn = [spec = std::move(spec)](const supervisor_context& context) {
    return caf::actor_cast<caf::strong_actor_ptr>(spawn_supervisor(
        context.system, spec, supervisor_options{context.log, context.supervisor}));
  };
  return child;
}

}  // namespace cascade
