#include "pg/prepared.hpp"

namespace cascade::pg::detail {
namespace {

bool fits(const prepared_statement& s, const params& values) {
  if (s.failed || static_cast<int>(s.types.size()) != values.size()) return false;
  for (int i = 0; i < values.size(); ++i)
    if (!values.is_null(i) && s.types[static_cast<std::size_t>(i)] != values.type_of(i))
      return false;
  return true;
}

}  // namespace

query_entry& prepared_statements::entry(const sql::query& q) {
  if (const auto found = entries_.find(&q); found != entries_.end()) return found->second;
  const std::lock_guard lock(mutex_);
  return entries_[&q];
}

std::shared_ptr<prepared_statement> prepared_statements::find(query_entry& e, const sql::query& q,
                                                              const params& values) {
  for (const auto& v : e.variants)
    if (fits(*v, values)) return v;
  std::erase_if(e.variants, [](const auto& v) { return v->failed.has_value(); });
  auto made = std::make_shared<prepared_statement>();
  // The number keeps names apart: other types, a second try, two queries with one name in tests.
  made->name = std::string(q.name) + "." + std::to_string(++named_);
  for (int i = 0; i < values.size(); ++i) made->types.push_back(values.type_of(i));
  e.variants.push_back(made);
  return made;
}

void prepared_statements::forget(const prepared_statement& s) {
  for (auto& [query, e] : entries_)
    std::erase_if(e.variants, [&](const auto& v) { return v.get() == &s; });
}

std::vector<std::pair<std::string, std::uint64_t>> prepared_statements::counts() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::pair<std::string, std::uint64_t>> out;
  for (const auto& [query, e] : entries_)
    out.emplace_back(query->name, e.answered.load(std::memory_order_relaxed));
  return out;
}

}  // namespace cascade::pg::detail
