#include "state/workflow_plan.hpp"

#include <algorithm>

#include "state/limits.hpp"
#include "state/suggest.hpp"

namespace cascade {

// Collects problems and goes on, so that all of them are reported at once.
class plan_builder {
public:
  explicit plan_builder(std::shared_ptr<const workflow_definition> definition)
      : out_(new workflow_plan) {
    out_->definition_ = std::move(definition);
  }

  std::vector<definition_problem> problems;

  std::shared_ptr<const workflow_plan> run() {
    out_->steps_.resize(definition().steps.size());
    index_names();
    link();
    compile();
    if (out_->graph_.cycle.empty()) check_reads();
    mark_needed_results();
    return problems.empty() ? out_ : nullptr;
  }

private:
  using path = std::vector<std::string>;

  // One place where a step is read by an expression.
  struct found_read {
    std::optional<step_index> reader;  // none: the result of the workflow
    path at;
    step_read what;
  };

  const workflow_definition& definition() const { return *out_->definition_; }
  const step_definition& step(step_index i) const { return definition().steps[i]; }
  static path step_path(step_index i, const char* key) { return {"steps", std::to_string(i), key}; }

  void problem(path at, std::optional<std::size_t> offset, std::string message,
               std::string hint = {}) {
    problems.push_back({std::move(at), false, offset, std::move(message), std::move(hint)});
  }

  std::string similar_step(std::string_view name) const {
    std::vector<std::string_view> names;
    for (const step_definition& s : definition().steps) names.push_back(s.name);
    return suggestion(name, names);
  }

  void index_names() {
    for (step_index i = 0; i < out_->step_count(); ++i) {
      if (step(i).name.empty()) continue;
      if (!out_->by_name_.emplace(step(i).name, i).second)
        problem(step_path(i, "name"), std::nullopt,
                "there is already a step \"" + step(i).name + "\"");
    }
  }

  void link() {
    std::vector<std::vector<step_index>> arrows(out_->step_count());
    std::size_t count = 0;
    for (step_index i = 0; i < out_->step_count(); ++i) {
      const auto& names = step(i).depends_on;
      for (std::size_t n = 0; n < names.size(); ++n) {
        path at = step_path(i, "depends_on");
        at.push_back(std::to_string(n));
        if (++count > dependencies_max) {
          return problem(
              std::move(at), std::nullopt,
              "there are more than " + std::to_string(dependencies_max) + " dependencies");
        }
        if (names[n].empty()) continue;
        if (const auto found = out_->find(names[n])) {
          arrows[i].push_back(*found);
        } else {
          problem(std::move(at), std::nullopt, "there is no step \"" + names[n] + "\"",
                  similar_step(names[n]));
        }
      }
    }
    out_->graph_ = step_graph::build(std::move(arrows));
    report_cycle();
  }

  void report_cycle() {
    const auto& cycle = out_->graph_.cycle;
    if (cycle.empty()) return;
    constexpr std::size_t shown_max = 20;
    std::string text;
    for (std::size_t i = 0; i < std::min(cycle.size(), shown_max); ++i)
      text += step(cycle[i]).name + " -> ";
    if (cycle.size() > shown_max) text += "... -> ";
    problem(step_path(cycle[0], "depends_on"), std::nullopt,
            "these steps wait for each other: " + text + step(cycle[0]).name);
  }

  void compile() {
    for (step_index i = 0; i < out_->step_count(); ++i) {
      step_plan& to = out_->steps_[i];
      compile_expression(i, "when", step(i).when, to.when);
      compile_expression(i, "for_each", step(i).for_each, to.for_each);
      compile_expression(i, "wait_until", step(i).wait_until, to.wait_until);
      if (step(i).input)
        compile_template(i, step_path(i, "input"), *step(i).input,
                         {.item = step(i).for_each.has_value()}, to.input);
    }
    if (definition().result)
      compile_template(std::nullopt, {"result"}, *definition().result, {}, out_->result_);
  }

  void compile_expression(step_index i, const char* key, const std::optional<std::string>& text,
                          std::optional<expression>& to) {
    if (!text) return;
    auto compiled = expression::compile(*text);
    if (!compiled) {
      const bool wrapped = text->find("${") != text->npos;
      return problem(step_path(i, key), compiled.error().offset, compiled.error().message,
                     wrapped ? "no ${ } here: the whole text is an expression" : "");
    }
    for (const step_read& r : compiled.value().reads()) reads_.push_back({i, step_path(i, key), r});
    to = std::move(compiled).value();
  }

  void compile_template(std::optional<step_index> reader, path at, const nlohmann::json& value,
                        expression_names names, std::optional<json_template>& to) {
    auto compiled = json_template::compile(value, names);
    if (!compiled) {
      const template_error& e = compiled.error();
      at.insert(at.end(), e.path.begin(), e.path.end());
      return problem(std::move(at), e.offset, e.message);
    }
    for (const json_template::read& r : compiled.value().reads()) {
      path where = at;
      where.insert(where.end(), r.path.begin(), r.path.end());
      reads_.push_back({reader, std::move(where), r.what});
    }
    to = std::move(compiled).value();
  }

  void check_reads() {
    if (reads_.empty()) return;
    const ancestor_sets ancestors(out_->graph_);
    for (const found_read& r : reads_) {
      const auto target = out_->find(r.what.step);
      if (!target) {
        problem(r.at, r.what.offset, "there is no step \"" + r.what.step + "\"",
                similar_step(r.what.step));
      } else if (r.reader && *target == *r.reader) {
        problem(r.at, r.what.offset, "step \"" + r.what.step + "\" cannot read itself");
      } else if (r.reader && !ancestors.contains(*r.reader, *target)) {
        problem(r.at, r.what.offset, "step \"" + r.what.step + "\" may not have finished yet",
                "add it to depends_on of \"" + step(*r.reader).name + "\"");
      }
    }
  }

  void mark_needed_results() {
    for (const found_read& r : reads_)
      if (const auto target = out_->find(r.what.step); target && r.what.field == step_field::result)
        out_->steps_[*target].result_needed = true;
    if (definition().result) return;
    for (step_index i = 0; i < out_->graph_.dependents.size(); ++i)
      if (out_->graph_.dependents[i].empty()) out_->steps_[i].result_needed = true;
  }

  std::shared_ptr<workflow_plan> out_;
  std::vector<found_read> reads_;
};

std::optional<step_index> workflow_plan::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? std::nullopt : std::optional(found->second);
}

expected<std::shared_ptr<const workflow_plan>, std::vector<definition_problem>> workflow_plan::make(
    std::shared_ptr<const workflow_definition> definition) {
  plan_builder builder(std::move(definition));
  auto plan = builder.run();
  if (!plan) return std::move(builder.problems);
  return plan;
}

std::vector<definition_problem> check_workflow(const workflow_definition& definition) {
  // The plan does not outlive this call, so it may borrow the definition.
  plan_builder builder(
      std::shared_ptr<const workflow_definition>(std::shared_ptr<void>(), &definition));
  builder.run();
  return std::move(builder.problems);
}

}  // namespace cascade
