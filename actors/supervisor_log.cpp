#include <spdlog/spdlog.h>

#include "actors/supervisor.hpp"

namespace cascade {

std::string to_string(supervisor_errc e) {
  switch (e) {
    case supervisor_errc::restart_intensity_exceeded:
      return "restart intensity exceeded";
    case supervisor_errc::start_failed:
      return "start failed";
    case supervisor_errc::ready_deadline_missed:
      return "ready deadline missed";
    case supervisor_errc::child_abandoned:
      return "child abandoned";
    case supervisor_errc::name_taken:
      return "a sibling has this name";
    case supervisor_errc::child_not_found:
      return "no such child";
    case supervisor_errc::shutting_down:
      return "the supervisor is shutting down";
  }
  return "unknown supervisor error";
}

std::string error_text(const caf::error& e) {
  if (!e) return "normal";
  std::string text;
  if (e.category() == caf::atom("exit"))
    text = to_string(static_cast<caf::exit_reason>(e.code()));
  else if (e.category() == caf::atom("system"))
    text = to_string(static_cast<caf::sec>(e.code()));
  else if (e.category() == caf::atom("cascade"))
    text = to_string(static_cast<errc>(e.code()));
  else if (e.category() == caf::atom("supervisor"))
    text = to_string(static_cast<supervisor_errc>(e.code()));
  else
    text = caf::to_string(e.category()) + " " + std::to_string(e.code());
  if (e.context().match_elements<std::string>())
    return text + ": " + e.context().get_as<std::string>(0);
  if (!e.context().empty()) text += ": " + caf::to_string(e.context());
  return text;
}

namespace {
const char* text_of(supervision_step step) {
  switch (step) {
    case supervision_step::child_started:
      return "child_started";
    case supervision_step::child_down:
      return "child_down";
    case supervision_step::restarting:
      return "restarting";
    case supervision_step::escalating:
      return "escalating";
    case supervision_step::child_killed:
      return "child_killed";
    case supervision_step::child_abandoned:
      return "child_abandoned";
  }
  return "unknown";
}

spdlog::level::level_enum level_of(const supervision_event& event) {
  switch (event.step) {
    case supervision_step::child_started:
      return spdlog::level::debug;
    case supervision_step::child_down:
      return event.reason == "normal" || event.reason == "user_shutdown" ? spdlog::level::debug
                                                                         : spdlog::level::warn;
    case supervision_step::restarting:
    case supervision_step::child_killed:
      return spdlog::level::warn;
    case supervision_step::escalating:
    case supervision_step::child_abandoned:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}
}  // namespace

void log_supervision(const supervision_event& event) {
  spdlog::log(
      level_of(event),
      "cascade.supervisor.{} supervisor={} child={} actor={} restarts={} delay_ms={} reason=\"{}\"",
      text_of(event.step), event.supervisor, event.child, event.actor, event.restarts,
      std::chrono::duration_cast<std::chrono::milliseconds>(event.delay).count(), event.reason);
}

}  // namespace cascade
