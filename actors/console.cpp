#include "actors/console.hpp"

#include <charconv>
#include <nlohmann/json.hpp>

#include "actors/console_format.hpp"

namespace cascade {

namespace {

using json = nlohmann::json;

struct console_state {
  static inline const char* name = "cascade.console";
  console_options options;
  std::uint64_t answered = 0;
  std::uint64_t refused = 0;
};

using console_self = console_actor::stateful_pointer<console_state>;

struct outcome_of_command {
  bool ok = true;
  std::string text;
  json data;
};
using done_function = std::function<void(outcome_of_command)>;

constexpr std::pair<const char*, const char*> own_commands[] = {
    {"help", "this list"},
    {"kill", "kill ID: kill an actor of the tree; its supervisor decides what follows"},
    {"ps", "all actors as a table"},
    {"show", "show ID: one actor in detail"},
    {"tree", "the supervision tree"},
};

// Never throws on bytes that are not UTF-8.
std::string text_of(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

void refuse(const done_function& done, std::string why) { done({false, std::move(why), nullptr}); }

std::vector<std::string> command_names(console_self self) {
  std::vector<std::string> names;
  for (const auto& [command, what] : own_commands) names.emplace_back(command);
  for (const auto& [command, handle] : self->state.options.providers) names.push_back(command);
  std::ranges::sort(names);
  return names;
}

void run_help(console_self self, const done_function& done) {
  std::map<std::string, std::string> lines;
  for (const auto& [command, handle] : self->state.options.providers) lines[command];
  for (const auto& [command, what] : self->state.options.help)
    if (lines.contains(command)) lines[command] = what;
  for (const auto& [command, what] : own_commands) lines[command] = what;
  std::vector<table_row> rows;
  auto data = json::array();
  for (const auto& [command, what] : lines) {
    rows.push_back({command, what});
    data.push_back({{"command", command}, {"help", what}});
  }
  done({true, format_table({"COMMAND", "WHAT IT DOES"}, rows), std::move(data)});
}

// tree and ps.
void run_tree(console_self self, bool as_table, const done_function& done) {
  self->request(self->state.options.root, console_timeout, describe{})
      .then(
          [done, as_table](description& tree) {
            if (as_table) return done({true, format_actors(tree), actors_json(tree)});
            done({true, format_tree(tree), tree_json(tree)});
          },
          [done](caf::error& e) {
            refuse(done, "the root supervisor does not answer: " + error_text(e));
          });
}

// Finds the actor `argument` names and hands it to `use`.
template <class F>
void with_actor(console_self self, const std::string& argument, const done_function& done, F use) {
  caf::actor_id id = 0;
  const auto end = argument.data() + argument.size();
  const auto [stop, problem] = std::from_chars(argument.data(), end, id);
  if (problem != std::errc{} || stop != end || id == 0)
    return refuse(done, "an actor id is a positive number; ps lists them");
  self->request(self->state.options.root, console_timeout, find_child{id})
      .then([use](child_found& found) { use(std::move(found)); },
            [done, id](caf::error& e) {
              const bool absent = e == caf::make_error(supervisor_errc::child_not_found);
              refuse(done, "no actor " + std::to_string(id) + " in the tree" +
                               (absent ? "" : ": " + error_text(e)));
            });
}

void show_actor(console_self self, const std::string& path, const describable& who,
                const done_function& done) {
  self->request(who, console_timeout, describe{})
      .then(
          [done, path, id = who.id()](description& d) {
            d.id = id;
            if (d.kind.empty()) d.kind = "worker";
            if (d.name.empty()) d.name = path.substr(path.rfind('/') + 1);
            auto data = tree_json(d);
            data["path"] = path;
            done({true, format_actor(path, d), std::move(data)});
          },
          [done, path](caf::error& e) {
            refuse(done, path + " does not answer: " + error_text(e));
          });
}

void run_show(console_self self, const std::string& argument, const done_function& done) {
  const auto& root = self->state.options.root;
  if (argument == std::to_string(root.id())) return show_actor(self, "root", root, done);
  with_actor(self, argument, done, [self, done](child_found found) {
    show_actor(self, found.path, caf::actor_cast<describable>(found.handle), done);
  });
}

void run_kill(console_self self, const std::string& argument, const done_function& done) {
  with_actor(self, argument, done, [done](child_found found) {
    const auto id = found.handle->id();
    send_exit_first(found.handle, caf::exit_reason::kill);
    done({true,
          "killed " + found.path + "; its supervisor decides what follows\n",
          {{"path", found.path}, {"id", id}}});
  });
}

void run_provider(console_self self, const std::string& command, const std::string& argument,
                  const done_function& done) {
  self->request(self->state.options.providers.at(command), console_timeout,
                console_query{command, argument})
      .then(
          [done](console_answer& a) {
            auto data = json::parse(a.json, nullptr, false);
            if (data.is_discarded()) data = nullptr;
            done({true, std::move(a.text), std::move(data)});
          },
          [done, command](caf::error& e) { refuse(done, command + ": " + error_text(e)); });
}

void run_command(console_self self, const std::string& command, const std::string& argument,
                 done_function done) {
  if (command == "help") return run_help(self, done);
  if (command == "tree") return run_tree(self, false, done);
  if (command == "ps") return run_tree(self, true, done);
  if (command == "show") return run_show(self, argument, done);
  if (command == "kill") return run_kill(self, argument, done);
  if (self->state.options.providers.contains(command))
    return run_provider(self, command, argument, done);
  const auto meant = closest_word(command, command_names(self));
  refuse(done, "unknown command" +
                   (meant.empty() ? std::string("; try help") : "; did you mean " + meant + "?"));
}

std::pair<std::string, std::string> split_command(const std::string& text) {
  constexpr auto blanks = " \t\r\n";
  const auto begin = text.find_first_not_of(blanks);
  if (begin == std::string::npos) return {};
  const auto middle = std::min(text.find_first_of(blanks, begin), text.size());
  const auto rest = text.find_first_not_of(blanks, middle);
  if (rest == std::string::npos) return {text.substr(begin, middle - begin), {}};
  return {text.substr(begin, middle - begin),
          text.substr(rest, text.find_last_not_of(blanks) + 1 - rest)};
}

void answer_line(console_self self, const console_line& m) {
  const auto send = [self, number = m.request](outcome_of_command what, bool with_data) {
    ++(what.ok ? self->state.answered : self->state.refused);
    json line{{"ok", what.ok}, {"text", std::move(what.text)}, {"data", nullptr}};
    if (with_data) line["data"] = std::move(what.data);
    self->state.options.reply(number, text_of(line));
  };
  const auto request = json::parse(m.line, nullptr, false);
  if (!request.is_object() || !request.contains("command") || !request["command"].is_string())
    return send(
        {false, R"(a request is one line of JSON: {"command": "help", "json": false})", nullptr},
        false);
  const bool with_data = request.contains("json") && request["json"] == true;
  const auto [command, argument] = split_command(request["command"].get<std::string>());
  run_command(self, command, argument,
              [send, with_data](outcome_of_command what) { send(std::move(what), with_data); });
}

console_actor::behavior_type console(console_self self, console_options options) {
  self->state.options = std::move(options);
  if (self->state.options.attach) self->state.options.attach(self);
  if (auto detach = self->state.options.detach)
    self->attach_functor([detach, id = self->id()](const caf::error&) { detach(id); });
  return {
      [self](const console_line& m) { answer_line(self, m); },
      [self](const console_query& m) -> caf::result<console_answer> {
        auto promise = self->make_response_promise<console_answer>();
        run_command(self, m.command, m.argument, [promise](outcome_of_command what) mutable {
          if (!what.ok) return void(promise.deliver(caf::make_error(errc::not_found, what.text)));
          promise.deliver(console_answer{std::move(what.text), text_of(what.data)});
        });
        return promise;
      },
      [self](const describe&) {
        description d;
        d.state = "listening";
        d.detail =
            json{{"answered", self->state.answered}, {"refused", self->state.refused}}.dump();
        return d;
      },
  };
}

}  // namespace

console_actor spawn_console(caf::actor_system& system, console_options options) {
  return system.spawn(console, std::move(options));
}

}  // namespace cascade
