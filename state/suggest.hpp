// state/suggest.hpp
//
// "Did you mean": the known word nearest to a mistyped one.
// Cost  O(candidates * length^2), lengths cut at 64; meant for messages, not for hot paths.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace cascade {

// Number of letters to insert, drop, change or swap with a neighbour.
inline std::size_t edit_distance(std::string_view a, std::string_view b) {
  a = a.substr(0, 64);
  b = b.substr(0, 64);
  std::array<std::size_t, 65> before{}, last{}, row{};
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] =
          std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0u : 1u)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = last;
    last = row;
  }
  return last[b.size()];
}

// "did you mean \"x\"?", or empty when nothing is near enough.
template <class Names>
std::string suggestion(std::string_view wrong, const Names& names) {
  std::size_t best = std::max<std::size_t>(1, wrong.size() / 3) + 1;
  std::string_view nearest;
  for (const auto& name : names) {
    const std::size_t d = edit_distance(wrong, name);
    if (d >= best) continue;
    best = d;
    nearest = name;
  }
  return nearest.empty() ? std::string() : "did you mean \"" + std::string(nearest) + "\"?";
}

}  // namespace cascade
