// Questions about a supervisor's subtree: each is asked of the children at once, with a finite
// time-out, and answered when all of them did, or did not.
#include <spdlog/fmt/fmt.h>

#include "actors/supervisor_state.hpp"

namespace cascade {

namespace {

// A level must time out before the one above it, or a silent leaf would silence its whole branch.
caf::timespan within_below(caf::timespan within) { return within * 4 / 5; }

const char* text_of(child_phase phase) {
  switch (phase) {
    case child_phase::down:
      return "down";
    case child_phase::waiting:
      return "waiting to restart";
    case child_phase::starting:
      return "starting";
    case child_phase::running:
      return "running";
    case child_phase::stopping:
      return "stopping";
    case child_phase::killing:
      return "killing";
  }
  return "unknown";
}

const char* text_of(restart_strategy strategy) {
  switch (strategy) {
    case restart_strategy::one_for_one:
      return "one_for_one";
    case restart_strategy::one_for_all:
      return "one_for_all";
    case restart_strategy::rest_for_one:
      return "rest_for_one";
  }
  return "unknown";
}

struct tree_answer {
  description tree;
  std::size_t open = 1;  // answers still to come, and the loop that asks
  caf::typed_response_promise<description> promise;

  void one_less() {
    if (--open == 0) promise.deliver(std::move(tree));
  }
};

struct search {
  std::size_t open = 1;
  bool done = false;
  caf::actor_id id = 0;
  caf::typed_response_promise<child_found> promise;

  void found(child_found what) {
    if (!std::exchange(done, true)) promise.deliver(std::move(what));
  }
  void one_less() {
    if (--open == 0 && !std::exchange(done, true))
      promise.deliver(caf::make_error(supervisor_errc::child_not_found, std::to_string(id)));
  }
};

}  // namespace

description supervisor_state::describe_child(const child& c) const {
  description out;
  out.name = c.spec.name;
  out.kind = c.spec.kind == child_kind::supervisor ? "supervisor" : "worker";
  out.id = c.actor ? c.actor->id() : 0;
  out.state = c.phase == child_phase::down && c.was_up && c.held ? "stopped" : text_of(c.phase);
  out.restarts = c.restarts();
  return out;
}

description supervisor_state::describe_self() const {
  description out;
  out.name = spec_.name;
  out.kind = "supervisor";
  out.id = self_->id();
  out.state = ending_ ? "stopping" : announced_ ? "running" : "starting";
  out.detail = fmt::format(
      R"({{"strategy":"{}","children":{},"failures_in_window":{},"restarts_max":{},)"
      R"("within_ms":{},"restarts_total":{}}})",
      text_of(spec_.strategy), children_.size(), window_.count(self_->clock().now()),
      spec_.restarts_max,
      std::chrono::duration_cast<std::chrono::milliseconds>(spec_.within).count(), restarts_total_);
  return out;
}

caf::result<description> supervisor_state::describe_tree(const describe& m) {
  auto answer = std::make_shared<tree_answer>();
  answer->promise = self_->make_response_promise<description>();
  answer->tree = describe_self();
  auto promise = answer->promise;
  for (const auto& [order, c] : children_) {
    if (answer->tree.children.size() == describe_children_max) {
      answer->tree.children_omitted = children_.size() - describe_children_max;
      break;
    }
    const auto index = answer->tree.children.size();
    answer->tree.children.push_back(describe_child(c));
    if (c.phase != child_phase::running && c.phase != child_phase::starting) continue;
    ++answer->open;
    const auto below = describe{within_below(m.within)};
    self_->request(caf::actor_cast<describable>(c.actor), m.within, below)
        .then(
            [answer, index, phase = c.phase](description& d) {
              auto& slot = answer->tree.children[index];
              if (phase == child_phase::running && !d.state.empty())
                slot.state = std::move(d.state);
              slot.detail = std::move(d.detail);
              slot.children = std::move(d.children);
              slot.children_omitted = d.children_omitted;
              answer->one_less();
            },
            [answer, index](caf::error&) {
              answer->tree.children[index].answered = false;
              answer->one_less();
            });
  }
  answer->one_less();
  return promise;
}

caf::result<child_found> supervisor_state::find(const find_child& m) {
  if (const child* c = by_actor(m.id))
    return child_found{spec_.name + "/" + c->spec.name, c->actor};
  auto hunt = std::make_shared<search>();
  hunt->id = m.id;
  hunt->promise = self_->make_response_promise<child_found>();
  auto promise = hunt->promise;
  for (const auto& [order, c] : children_) {
    if (c.spec.kind != child_kind::supervisor || !c.alive()) continue;
    ++hunt->open;
    self_
        ->request(caf::actor_cast<supervisor_actor>(c.actor), m.within,
                  find_child{m.id, within_below(m.within)})
        .then(
            [hunt, prefix = spec_.name + "/"](child_found& what) {
              hunt->found({prefix + what.path, what.handle});
              hunt->one_less();
            },
            [hunt](caf::error&) { hunt->one_less(); });
  }
  hunt->one_less();
  return promise;
}

}  // namespace cascade
