// tests/support/seed.hpp
//
// The seed of a random test: CASCADE_SEED, or a fresh one; printed either way.
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

}  // namespace cascade
