#include "workflow/schedule_file.hpp"

#include "state/duration.hpp"
#include "state/instant_text.hpp"
#include "state/json_check.hpp"
#include "state/limits.hpp"
#include "state/workflow_reader.hpp"
#include "workflow/definition_file.hpp"

namespace cascade {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr std::array<std::string_view, 1> file_keys{"schedules"};
constexpr std::array<std::string_view, 17> schedule_keys{
    "cron",     "every",        "time_zone",      "starts_at", "ends_at",  "workflow",
    "handler",  "input",        "tick_parameter", "queue",     "priority", "overlap",
    "catch_up", "catch_up_max", "jitter",         "paused",    "tenant"};
constexpr std::array<std::string_view, 4> overlap_words{"allow", "skip", "queue", "cancel"};
constexpr std::array<std::string_view, 3> catch_up_words{"skip", "last", "all"};
// CHECKs on cascade.schedule
constexpr int catch_up_most = 1000;
constexpr auto jitter_max = 24h;

template <std::size_t N>
void read_word(definition_reader& in, const json& value,
               const std::array<std::string_view, N>& words, std::string& out) {
  std::uint8_t index = 0;
  for (std::uint8_t i = 0; i < N; ++i)
    if (words[i] == out) index = i;
  in.choice(value, words, index);
  out = words[index];
}

void read_instant(definition_reader& in, const json& value,
                  std::optional<std::chrono::sys_time<std::chrono::microseconds>>& out) {
  if (value.is_string()) out = parse_instant(value.get_ref<const std::string&>());
  if (!out) in.problem("is not a moment", std::string(instant_hint));
}

void read_jitter(definition_reader& in, const json& value, std::chrono::milliseconds& out) {
  const auto read = parse_duration(value);
  if (!read)
    return in.problem(json_excerpt(value) + " is not a duration", std::string(duration_hint));
  if (*read > jitter_max) return in.problem("is longer than a day");
  out = *read;
}

void read_times(definition_reader& in, const json& value, schedule_definition& out) {
  in.member(value, "cron", [&](const json& v) { in.text(v, out.cron); });
  in.member(value, "every", [&](const json& v) { in.duration(v, out.every.emplace()); });
  in.member(value, "time_zone", [&](const json& v) { in.name(v, out.time_zone); });
  in.member(value, "starts_at", [&](const json& v) { read_instant(in, v, out.starts_at); });
  in.member(value, "ends_at", [&](const json& v) {
    read_instant(in, v, out.ends_at);
    if (out.ends_at && out.starts_at && *out.ends_at <= *out.starts_at)
      in.problem("is not after starts_at");
  });
  if (value.contains("cron") == value.contains("every"))
    in.problem(value.contains("cron") ? "has both \"cron\" and \"every\""
                                      : "has neither \"cron\" nor \"every\"");
}

void read_work(definition_reader& in, const json& value, schedule_definition& out) {
  in.member(value, "workflow", [&](const json& v) { in.name(v, out.workflow); });
  in.member(value, "handler", [&](const json& v) { in.name(v, out.handler); });
  in.member(value, "input", [&](const json& v) {
    if (in.is_object(v)) out.input = v;
  });
  in.member(value, "tick_parameter", [&](const json& v) { in.name(v, out.tick_parameter); });
  in.member(value, "priority", [&](const json& v) {
    in.integer(v, limits::priority_min, limits::priority_max, out.priority);
  });
  in.member(value, "tenant", [&](const json& v) { in.name(v, out.tenant); });
  in.member(value, "queue", [&](const json& v) {
    in.name(v, out.queue);
    if (value.contains("workflow"))
      in.problem("is for a handler; the steps of a workflow name their own");
  });
  if (value.contains("workflow") == value.contains("handler"))
    in.problem(value.contains("workflow") ? "has both \"workflow\" and \"handler\""
                                          : "has neither \"workflow\" nor \"handler\"");
}

schedule_definition read_schedule(definition_reader& in, const std::string& name, const json& value,
                                  const schedule_check& check) {
  schedule_definition out;
  const std::size_t before = in.problems.size();
  in.identifier(name, out.name);
  for (std::size_t i = before; i < in.problems.size(); ++i) {
    in.problems[i].at_key = true;
    in.problems[i].message = "the name \"" + name + "\" " + in.problems[i].message;
  }
  if (!in.is_object(value)) return out;
  in.known_keys(value, "a schedule", schedule_keys);
  read_times(in, value, out);
  read_work(in, value, out);
  in.member(value, "overlap", [&](const json& v) { read_word(in, v, overlap_words, out.overlap); });
  in.member(value, "catch_up",
            [&](const json& v) { read_word(in, v, catch_up_words, out.catch_up); });
  in.member(value, "catch_up_max",
            [&](const json& v) { in.integer(v, 1, catch_up_most, out.catch_up_max); });
  in.member(value, "jitter", [&](const json& v) { read_jitter(in, v, out.jitter); });
  in.member(value, "paused", [&](const json& v) { in.boolean(v, out.paused.emplace()); });
  if (check && in.problems.size() == before)
    if (const auto wrong = check(out))
      in.in(wrong->key, [&] { in.problem(wrong->message, wrong->hint); });
  return out;
}

std::vector<schedule_definition> read_file(definition_reader& in, const json& value,
                                           const schedule_check& check) {
  std::vector<schedule_definition> out;
  if (!in.is_object(value)) return out;
  in.known_keys(value, "a file of schedules", file_keys);
  if (!value.contains("schedules"))
    in.problem("has no \"schedules\"",
               "for example schedules: {nightly: {cron: \"0 3 * * *\", ...}}");
  in.member(value, "schedules", [&](const json& all) {
    if (!in.is_object(all)) return;
    for (const auto& [name, one] : all.items())
      in.in(name,
            [&, &name = name, &one = one] { out.push_back(read_schedule(in, name, one, check)); });
  });
  return out;
}

}  // namespace

expected<std::vector<schedule_definition>, std::vector<workflow_problem>> parse_schedules(
    std::string_view text, std::string_view filename, const schedule_check& check) {
  definition_file file(text, filename);
  if (!file.document()) return file.problems({});
  definition_reader in;
  auto schedules = read_file(in, file.document()->value, check);
  auto problems = file.problems(in.problems);
  if (!problems.empty()) return problems;
  return schedules;
}

json to_json(const schedule_definition& schedule) {
  const schedule_definition usual;
  json out{{"name", schedule.name}};
  const auto put = [&](const char* key, const auto& value, const auto& as_usual) {
    if (value != as_usual) out[key] = value;
  };
  const auto interval = [](std::chrono::milliseconds d) {
    return std::to_string(d.count()) + " milliseconds";
  };
  put("cron", schedule.cron, usual.cron);
  if (schedule.every) out["every"] = interval(*schedule.every);
  put("time_zone", schedule.time_zone, usual.time_zone);
  if (schedule.starts_at) out["starts_at"] = format_instant(*schedule.starts_at);
  if (schedule.ends_at) out["ends_at"] = format_instant(*schedule.ends_at);
  put("workflow", schedule.workflow, usual.workflow);
  put("handler", schedule.handler, usual.handler);
  put("input", schedule.input, usual.input);
  put("tick_parameter", schedule.tick_parameter, usual.tick_parameter);
  put("queue", schedule.queue, usual.queue);
  put("tenant", schedule.tenant, usual.tenant);
  put("priority", schedule.priority, usual.priority);
  put("overlap", schedule.overlap, usual.overlap);
  put("catch_up", schedule.catch_up, usual.catch_up);
  put("catch_up_max", schedule.catch_up_max, usual.catch_up_max);
  if (schedule.jitter != usual.jitter) out["jitter"] = interval(schedule.jitter);
  if (schedule.paused) out["paused"] = *schedule.paused;
  return out;
}

}  // namespace cascade
