// tests/db/cli_fixture.hpp
//
// Commands against a database of their own, in this process.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "cli/context.hpp"
#include "tests/support/postgres.hpp"

namespace cascade::test {

struct run_result {
  int exit = 0;
  std::string out, err;
  nlohmann::json document() const { return nlohmann::json::parse(out); }
};

class cli_test : public ::testing::Test {
protected:
  run_result run(std::vector<std::string> words, const std::string& input = {}) {
    return run_on(db_.conninfo(), std::move(words), input);
  }

  static run_result run_on(const std::string& conninfo, std::vector<std::string> words,
                           const std::string& input = {}) {
    words.insert(words.begin(), {"cascade", "--database", conninfo});
    std::vector<const char*> argv;
    for (const auto& w : words) argv.push_back(w.c_str());
    std::istringstream in(input);
    std::ostringstream out, err;
    run_result result;
    result.exit = run_cascade(static_cast<int>(argv.size()), argv.data(), in, out, err);
    result.out = out.str();
    result.err = err.str();
    return result;
  }

  std::string value(const std::string& sql) {
    auto c = db_.connect();
    return value_of(c, sql);
  }

  test_database db_;
};

}  // namespace cascade::test
