#include "actors/recorder_impl.hpp"
#include "sql/queries.hpp"

namespace cascade {

caf::result<drained> begin_drain(recorder_self self, const drain& d) {
  auto& state = self->state;
  state.closed = true;
  state.drain_promise = self->make_response_promise<drained>();
  const auto promise = state.drain_promise;
  self->delayed_send(self, d.within, drain_over{});
  pump(self);
  return promise;
}

void give_back(recorder_self self) {
  auto& state = self->state;
  if (!state.queue.empty() || writing(state)) return;
  state.up = false;
  std::vector<pg::statement> last;
  last.emplace_back(sql::release_lanes, pg::params{}.int8(state.epoch.value));
  state.context->database->write(
      std::move(last), [to = caf::actor_cast<recorder_impl>(self)](const pg::batch_reply& reply) {
        caf::anon_send(to, drain_over{reply.has_value()});
      });
}

void end_drain(recorder_self self, const drain_over& over) {
  auto& state = self->state;
  if (!state.drain_promise.pending()) return;
  std::size_t left = over.done ? 0 : std::max<std::size_t>(state.queued_rows, 1);
  state.drain_promise.deliver(drained{left});
}

}  // namespace cascade
