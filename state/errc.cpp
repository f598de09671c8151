#include "state/errc.hpp"

namespace cascade {

std::string to_string(errc e) {
  switch (e) {
    case errc::database_unavailable:
      return "the database is not reachable";
    case errc::database_conflict:
      return "the database asks to try again";
    case errc::database_rejected:
      return "the database refused the statement or its data";
    case errc::deadline_exceeded:
      return "the deadline of a database call passed";
    case errc::fenced:
      return "another node owns the lane";
    case errc::illegal_transition:
      return "this change of state is not allowed";
    case errc::unknown_handler:
      return "no such handler";
    case errc::invalid_payload:
      return "the payload is not acceptable";
    case errc::limit_exceeded:
      return "a limit was exceeded";
    case errc::cancelled:
      return "cancelled";
    case errc::not_found:
      return "not found";
    case errc::shutting_down:
      return "the service is shutting down";
  }
  return "unknown error";
}

namespace {
struct category final : std::error_category {
  const char* name() const noexcept override { return "cascade"; }
  std::string message(int value) const override { return to_string(static_cast<errc>(value)); }
};
}  // namespace

const std::error_category& error_category() noexcept {
  static const category instance;
  return instance;
}

}  // namespace cascade
