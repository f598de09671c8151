// workflow/definition_file.hpp
//
// Private to the readers of files: the text of a YAML or JSON file as JSON, and problems with what it
// says as problems with places in it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "workflow/parse.hpp"
#include "workflow/yaml_reader.hpp"

namespace cascade {

class definition_file {
public:
  definition_file(std::string_view text, std::string_view filename);  // text must outlive this

  // Nothing when the text is not YAML: then there are problems.
  const std::optional<yaml::document>& document() const noexcept { return document_; }
  // Those of the text and these, in the order of the file. Once.
  std::vector<workflow_problem> problems(const std::vector<definition_problem>& found);

private:
  void add(std::size_t byte, std::string message, std::string hint);
  std::size_t byte_of(const definition_problem& p) const;

  source_text source_;
  std::string filename_;
  std::optional<yaml::document> document_;
  std::vector<workflow_problem> problems_;
};

}  // namespace cascade
