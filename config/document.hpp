// config/document.hpp
//
// A YAML file as a tree with positions. Anchors, aliases, tags and several documents are refused,
// so a small file stays small; a key that stands twice in one map is an error.
//
// Limits  document_bytes_max, document_depth_max.
// Errors  values; nothing throws.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/value.hpp"

namespace cascade {

inline constexpr std::size_t document_bytes_max = 1u << 20;
inline constexpr int document_depth_max = 16;

struct position {
  int line = 0;  // from 1; 0: unknown
  int column = 0;
};

struct document_member;

struct document_node {
  raw_value::kind is = raw_value::kind::null;
  bool plain = true;  // of a scalar: not quoted, so 12 is a number and true a boolean
  std::string text;
  position at;
  std::vector<document_node> items;      // of a list
  std::vector<document_member> members;  // of a map
};

struct document_member {
  document_node key;  // a scalar
  document_node value;
};

struct document_problem {
  position at;
  std::string message;
};

struct parsed_document {
  document_node root;
  std::vector<document_problem> problems;
};

parsed_document parse_document(std::string_view yaml);

nlohmann::json to_json(const document_node& node);
raw_value to_raw(const document_node& node);

}  // namespace cascade
