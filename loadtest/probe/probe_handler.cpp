// The handler `probe`: answers how many microseconds after it was sent its task was entered.
#include <charconv>

#include "executors/plugin.hpp"
#include "loadtest/probe/libpq.hpp"

namespace {

cascade::outcome probe_entered(const cascade::task_run& run) {
  const long long now = probe::now_ns();
  const auto digits = run.payload.find_first_of("0123456789");
  long long sent = 0;
  if (digits == std::string::npos ||
      std::from_chars(run.payload.data() + digits, run.payload.data() + run.payload.size(), sent)
              .ec != std::errc{})
    return cascade::outcome::failure("the payload must be {\"sent\": nanoseconds}");
  return cascade::outcome::success("{\"us\": " + std::to_string((now - sent) / 1000) + "}");
}

}  // namespace

CASCADE_PLUGIN(handlers) { handlers.add("probe", probe_entered, cascade::run_on::worker); }
