#include "state/task_state.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "state/job_state.hpp"

namespace cascade {
namespace {

constexpr int state_count = static_cast<int>(task_state_names.size());
constexpr int event_count = static_cast<int>(task_event::reopen) + 1;
constexpr std::array<std::string_view, event_count> event_names{
    "due",        "held",     "started", "succeeded", "errored", "backed_off", "snoozed",
    "owner_lost", "poisoned", "cancel",  "skip",      "redrive", "reopen"};
constexpr std::array<std::string_view, 7> job_event_names{
    "taken_up", "pause", "resume", "all_settled", "step_failed", "cancel", "redrive"};

TEST(task_state, every_pair_of_state_and_event_is_legal_exactly_when_the_table_says_so) {
  for (int s = 0; s < state_count; ++s)
    for (int e = 0; e < event_count; ++e) {
      int rows = 0;
      for (const auto& t : task_transitions)
        if (t.from == static_cast<task_state>(s) && t.on == static_cast<task_event>(e)) {
          ++rows;
          EXPECT_EQ(next(t.from, t.on), t.to);
        }
      EXPECT_LE(rows, 1) << task_state_names[s] << " on " << event_names[e] << " is there twice";
      EXPECT_EQ(next(static_cast<task_state>(s), static_cast<task_event>(e)).has_value(),
                rows == 1);
    }
}

TEST(task_state, a_finished_task_moves_only_when_an_operator_asks_for_another_round) {
  for (const auto& t : task_transitions)
    if (is_finished(t.from)) {
      EXPECT_TRUE(t.on == task_event::redrive || t.on == task_event::reopen);
    }
  for (int e = 0; e < event_count; ++e)
    EXPECT_FALSE(next(task_state::completed, static_cast<task_event>(e)))
        << "completed is for ever";
}

TEST(task_state, every_state_can_be_reached_and_every_unfinished_one_can_be_left) {
  for (int s = 0; s < state_count; ++s) {
    const auto state = static_cast<task_state>(s);
    EXPECT_TRUE(state == task_state::waiting || row_may_move(task_state::waiting, state))
        << task_state_names[s];
    if (!is_finished(state)) {
      EXPECT_TRUE(row_may_move(state, task_state::cancelled)) << task_state_names[s];
    }
  }
}

TEST(task_state, a_row_may_skip_states_but_never_finished_ones) {
  for (int from = 0; from < state_count; ++from)
    for (int to = 0; to < state_count; ++to) {
      // A slow search of its own: paths whose inner states are all unfinished.
      std::set<int> seen;
      std::vector<int> open{from};
      while (!open.empty()) {
        const int at = open.back();
        open.pop_back();
        if (at != from && is_finished(static_cast<task_state>(at))) continue;
        for (const auto& t : task_transitions)
          if (static_cast<int>(t.from) == at && seen.insert(static_cast<int>(t.to)).second)
            open.push_back(static_cast<int>(t.to));
      }
      // Coming back round to a finished start does not count as passing through it.
      EXPECT_EQ(row_may_move(static_cast<task_state>(from), static_cast<task_state>(to)),
                seen.contains(to))
          << task_state_names[from] << " -> " << task_state_names[to];
    }
}

TEST(task_state, names_are_read_back) {
  for (int s = 0; s < state_count; ++s)
    EXPECT_EQ(parse_task_state(task_state_names[s]), static_cast<task_state>(s));
  EXPECT_FALSE(parse_task_state("Waiting"));
  EXPECT_FALSE(parse_task_state(""));
  EXPECT_EQ(to_string(waiting_reason::paused), "paused");
}

// "waiting --> pending: due", one arrow for all events between the same two states.
template <class Transitions, class StateNames, class EventNames>
std::string diagram(const Transitions& transitions, const StateNames& states,
                    const EventNames& events, std::string_view start, std::size_t first_finished) {
  std::string out = "```mermaid\nstateDiagram-v2\n  [*] --> " + std::string(start) + "\n";
  std::vector<std::pair<std::string, std::string>> arrows;
  for (const auto& t : transitions) {
    const std::string arrow = std::string(states[static_cast<std::size_t>(t.from)]) + " --> " +
                              std::string(states[static_cast<std::size_t>(t.to)]);
    const std::string event(events[static_cast<std::size_t>(t.on)]);
    const auto same =
        std::find_if(arrows.begin(), arrows.end(), [&](const auto& a) { return a.first == arrow; });
    if (same == arrows.end()) {
      arrows.emplace_back(arrow, event);
    } else {
      same->second += ", " + event;
    }
  }
  for (const auto& [arrow, names] : arrows) out += "  " + arrow + ": " + names + "\n";
  for (std::size_t s = first_finished; s < states.size(); ++s)
    out += "  " + std::string(states[s]) + " --> [*]\n";
  return out + "```\n";
}

TEST(task_state, the_diagrams_in_the_docs_are_the_tables) {
  std::ifstream file(CASCADE_SOURCE_DIR "/docs/state_machine.md");
  std::stringstream text;
  text << file.rdbuf();
  const std::string tasks = diagram(task_transitions, task_state_names, event_names, "waiting",
                                    static_cast<std::size_t>(task_state::completed));
  const std::string jobs = diagram(job_transitions, job_state_names, job_event_names, "pending",
                                   static_cast<std::size_t>(job_state::completed));
  EXPECT_NE(text.str().find(tasks), std::string::npos) << "docs/state_machine.md must hold:\n"
                                                       << tasks;
  EXPECT_NE(text.str().find(jobs), std::string::npos) << "docs/state_machine.md must hold:\n"
                                                      << jobs;
}

}  // namespace
}  // namespace cascade
