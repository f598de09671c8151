// workflow/yaml_builder.hpp
//
// Private to yaml_reader.cpp: yaml-cpp's events to JSON. Throws yaml::stop at the first thing that
// makes going on pointless; the problems collected until then stay.
#pragma once

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/mark.h>

#include <nlohmann/json.hpp>
#include <string>
#include <unordered_map>
#include <vector>

#include "workflow/yaml_reader.hpp"

namespace cascade::yaml {

struct stop {};

class builder final : public YAML::EventHandler {
public:
  builder(const source_text& source, document& out, std::vector<problem>& problems)
      : source_(source), out_(out), problems_(problems) {}

  int documents() const noexcept { return documents_; }

  void OnDocumentStart(const YAML::Mark& mark) override;
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override;
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override;
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override;
  void OnMapEnd() override { close(); }

private:
  // A list or map that is not closed yet.
  struct frame {
    nlohmann::json value;
    YAML::anchor_t anchor = 0;
    std::size_t nodes = 1;
    bool key_read = false;
    std::size_t key_byte = std::string_view::npos;
  };
  struct anchored {
    nlohmann::json value;
    std::size_t nodes = 1;
  };

  std::size_t byte(const YAML::Mark& mark) const { return source_.byte_at(mark.line, mark.column); }
  [[noreturn]] void fail(std::size_t at, std::string message);
  bool expects_key() const {
    return !open_.empty() && open_.back().value.is_object() && !open_.back().key_read;
  }
  void place(std::size_t at);
  void open(std::size_t at, nlohmann::json empty, const std::string& tag, YAML::anchor_t anchor);
  void close();
  void add(nlohmann::json value, std::size_t nodes, YAML::anchor_t anchor);
  void add_key(std::size_t at, const std::string& key);

  const source_text& source_;
  document& out_;
  std::vector<problem>& problems_;
  std::vector<frame> open_;
  std::vector<std::string> path_;
  std::unordered_map<YAML::anchor_t, anchored> anchors_;
  std::size_t nodes_ = 0;
  int documents_ = 0;
};

// What a scalar without quotes stands for, by YAML 1.2's core schema.
nlohmann::json plain_value(const std::string& text);

}  // namespace cascade::yaml
