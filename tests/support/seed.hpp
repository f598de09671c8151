// tests/support/seed.hpp
//
// The seed of a random test: CASCADE_SEED, or a fresh one; printed either way. And its choices.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>

namespace cascade {

inline std::uint64_t test_seed() {
  const char* given = std::getenv("CASCADE_SEED");
  const auto seed = given ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::cout << "CASCADE_SEED=" << seed << std::endl;
  return seed;
}

class dice {
public:
  explicit dice(std::uint64_t seed) : random_(seed) {}
  std::size_t below(std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_);
  }
  std::int64_t upto(std::int64_t n) {  // from 1
    return std::uniform_int_distribution<std::int64_t>(1, n)(random_);
  }
  bool one_in(std::size_t n) { return below(n) == 0; }
  template <class C>
  const auto& of(const C& c) {
    return c[below(std::size(c))];
  }

private:
  std::mt19937_64 random_;
};

}  // namespace cascade
