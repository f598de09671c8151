// Preloaded into a program, moves the wall clock it sees by CASCADE_TEST_SKEW seconds. The monotonic
// clocks, and all other programs, stay as they are.
#include <dlfcn.h>
#include <sys/time.h>

#include <cstdlib>
#include <ctime>

namespace {

long skew() {
  static const long seconds = [] {
    const char* text = std::getenv("CASCADE_TEST_SKEW");
    return text != nullptr ? std::atol(text) : 0;
  }();
  return seconds;
}

template <class F>
F next(const char* name) {
  return reinterpret_cast<F>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* at) noexcept {
  static const auto real = next<int (*)(clockid_t, timespec*)>("clock_gettime");
  const int status = real(clock, at);
  if (status == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
    at->tv_sec += skew();
  return status;
}

int gettimeofday(timeval* at, void* zone) noexcept {
  static const auto real = next<int (*)(timeval*, void*)>("gettimeofday");
  const int status = real(at, zone);
  if (status == 0) at->tv_sec += skew();
  return status;
}

time_t time(time_t* at) noexcept {
  static const auto real = next<time_t (*)(time_t*)>("time");
  const time_t now = real(nullptr) + skew();
  if (at != nullptr) *at = now;
  return now;
}
}
