// actors/console_format.hpp
//
// How console answers look. Pure functions of data; plain ASCII and box-drawing characters, no
// colour.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "actors/messages.hpp"

namespace cascade {

using table_row = std::vector<std::string>;

// Columns as wide as their widest cell, in characters, two blanks apart; a column whose cells are
// all numbers is right-aligned. No trailing blanks, a newline after each row.
std::string format_table(const table_row& header, const std::vector<table_row>& rows);

// One line an actor: ├─ name  kind #id  state  (restarted n times).
std::string format_tree(const description& root);

// All actors of a tree as a table: id, path, kind, state, restarts.
std::string format_actors(const description& root);

// One actor: its fields, then its detail, one line a key.
std::string format_actor(const std::string& path, const description& actor);

// The fields of an object: those that are not null a line each, and all as JSON.
console_answer key_values(const nlohmann::json& fields);

// JSON of actors; `detail` is embedded when it is JSON.
nlohmann::json tree_json(const description& root);
nlohmann::json actors_json(const description& root);

// The candidate that `word` most likely meant, or empty: a unique start, or at most two typing
// errors away.
std::string closest_word(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace cascade
