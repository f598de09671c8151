#include "executors/outcome_check.hpp"

#include <algorithm>
#include <exception>

#include "state/json_check.hpp"
#include "state/limits.hpp"

namespace cascade {

outcome storable_outcome(outcome o, std::string_view what) {
  if (o.how == outcome::kind::succeeded) {
    if (o.result.empty()) return o;
    if (auto problem = json_storage_problem(o.result, limits::result_bytes_max))
      return outcome::failure(std::string(what) + " cannot be stored: " + *problem);
    return o;
  }
  o.result.clear();
  const bool reasoned = !o.error.empty() || o.how == outcome::kind::snoozed;
  o.error =
      reasoned ? storable_text(o.error, limits::error_bytes_max) : "the handler gave no reason";
  if (o.retry_in)
    o.retry_in = std::clamp<std::chrono::milliseconds>(*o.retry_in, std::chrono::milliseconds(0),
                                                       limits::snooze_max);
  return o;
}

std::string error_with_tail(std::string_view why, std::string_view detail) {
  std::string out(why);
  while (!detail.empty() && (detail.back() == '\n' || detail.back() == '\r'))
    detail.remove_suffix(1);
  if (detail.empty()) return out;
  out += ": ";
  const std::string text = storable_text(detail, detail.size() * 3);
  const std::size_t room = limits::error_bytes_max - std::min(limits::error_bytes_max, out.size());
  std::size_t from = text.size() - std::min(room, text.size());
  while (from < text.size() && (static_cast<unsigned char>(text[from]) & 0xC0) == 0x80) ++from;
  return out.append(text, from);
}

std::string current_exception_text() {
  try {
    throw;
  } catch (const std::exception& e) {
    return *e.what() ? e.what() : "an exception without a text";
  } catch (...) {
    return "an exception of an unknown type";
  }
}

}  // namespace cascade
