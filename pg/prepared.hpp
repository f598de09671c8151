// pg/prepared.hpp
//
// Private to pg/: which statements one session has parsed, and how often each query was answered.
//
// A query parsed with certain parameter types serves all uses with the same types; a null fits any
// type. Other types get a statement of their own, so the order of uses never decides what works.
//
// Thread   the session's strand; counts() any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "pg/failure.hpp"
#include "pg/params.hpp"
#include "sql/query.hpp"

namespace cascade::pg::detail {

struct prepared_statement {
  std::string name;
  std::vector<oid> types;
  bool sent = false;              // parse is on its way or done
  std::optional<failure> failed;  // parse was refused: never use it again
};

struct query_entry {
  std::vector<std::shared_ptr<prepared_statement>> variants;
  std::atomic<std::uint64_t> answered{0};
};

class prepared_statements {
public:
  query_entry& entry(const sql::query& q);

  // The statement that fits the types; a new one has sent == false.
  std::shared_ptr<prepared_statement> find(query_entry& e, const sql::query& q,
                                           const params& values);
  void forget(const prepared_statement& s);

  std::vector<std::pair<std::string, std::uint64_t>> counts() const;

private:
  mutable std::mutex
      mutex_;  // structure of entries_: changed by the strand only, so the strand reads without it
  std::unordered_map<const sql::query*, query_entry> entries_;
  std::uint64_t named_ = 0;
};

}  // namespace cascade::pg::detail
