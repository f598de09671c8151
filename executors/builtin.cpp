#include "executors/builtin.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <stop_token>

#include "state/limits.hpp"

namespace cascade {
namespace {

namespace asio = boost::asio;

constexpr std::int64_t sleep_ms_max = 24 * 60 * 60 * 1000;

// Returns the only member of the payload, a whole number from 0 to `max`.
std::optional<std::int64_t> only_number(const std::string& payload, const char* key,
                                        std::int64_t max) {
  const auto doc = nlohmann::json::parse(payload, nullptr, false);
  if (!doc.is_object() || doc.size() != 1 || !doc.contains(key)) return std::nullopt;
  const auto& value = doc[key];
  if (!value.is_number_integer() || value < 0 || value > max) return std::nullopt;
  return value.get<std::int64_t>();
}

outcome bad_payload(const char* key, std::int64_t max) {
  return outcome::failure(std::string("the payload must be {\"") + key +
                          "\": a whole number from 0 to " + std::to_string(max) + "}");
}

class sleeper : public std::enable_shared_from_this<sleeper> {
public:
  sleeper(asio::io_context& io, std::chrono::milliseconds time, std::stop_token stop,
          completion done)
      : strand_(asio::make_strand(io)),
        timer_(strand_),
        time_(time),
        stop_(std::move(stop)),
        done_(std::move(done)) {}

  void start() {
    asio::post(strand_, [me = shared_from_this()] { me->wait(); });
  }

private:
  void wait() {
    timer_.expires_after(time_);
    timer_.async_wait([me = shared_from_this()](boost::system::error_code ec) {
      me->on_stop_.reset();
      me->done_(ec ? outcome::cancelled() : outcome::success());
    });
    on_stop_.emplace(stop_, [weak = weak_from_this()] {
      if (auto me = weak.lock()) asio::post(me->strand_, [me] { me->timer_.cancel(); });
    });
  }

  asio::strand<asio::io_context::executor_type> strand_;
  asio::steady_timer timer_;
  std::chrono::milliseconds time_;
  std::stop_token stop_;
  completion done_;
  std::optional<std::stop_callback<std::function<void()>>> on_stop_;
};

outcome noop(const task_run&) { return outcome::success(); }

outcome echo(const task_run& run) { return outcome::success(run.payload); }

outcome fail(const task_run& run) {
  const auto times = only_number(run.payload, "times", limits::attempts_max);
  if (!times) return bad_payload("times", limits::attempts_max);
  if (run.attempt <= *times)
    return outcome::retry("attempt " + std::to_string(run.attempt) +
                          " fails as asked, like the first " + std::to_string(*times));
  return outcome::success("{\"attempt\": " + std::to_string(run.attempt) + "}");
}

}  // namespace

void add_builtin_handlers(handler_registry& handlers, asio::io_context& io) {
  handlers.add("noop", noop, run_on::worker);
  handlers.add("echo", echo, run_on::worker);
  handlers.add("fail", fail, run_on::worker);
  handlers.add_async("sleep", [&io](const task_run& run, completion done) {
    const auto ms = only_number(run.payload, "ms", sleep_ms_max);
    if (!ms) return done(bad_payload("ms", sleep_ms_max));
    std::make_shared<sleeper>(io, std::chrono::milliseconds(*ms), run.stop, std::move(done))
        ->start();
  });
}

}  // namespace cascade
