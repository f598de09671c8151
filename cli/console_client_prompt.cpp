// The interactive side of the console client: libedit's prompt, history and completion.
#include <editline/readline.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>

#include "cli/console_client.hpp"

namespace cascade {

namespace {

constexpr int history_lines_max = 1000;

struct free_deleter {
  void operator()(char* p) const noexcept { std::free(p); }
};

// libedit's completion is a C function without an argument, so its one prompt is global.
struct completion_state {
  console_connection* connection = nullptr;
  std::vector<std::string> words;
  std::size_t next = 0;
};
completion_state completion;

char* next_word(const char*, int state) {
  if (state == 0) completion.next = 0;
  return completion.next < completion.words.size()
             ? ::strdup(completion.words[completion.next++].c_str())
             : nullptr;
}

char** complete(const char* text, int, int end) {
  rl_attempted_completion_over = 1;  // never file names
  completion.words.clear();
  if (completion.connection) {
    const std::string line(rl_line_buffer, static_cast<std::size_t>(end));
    completion.words = console_completions(*completion.connection, line);
  }
  return completion.words.empty() ? nullptr : rl_completion_matches(text, next_word);
}

// The XDG state directory's own rule: absolute, or it does not count. Empty: no history is kept.
std::filesystem::path history_file() {
  std::filesystem::path state;
  if (const char* given = std::getenv("XDG_STATE_HOME"); given && given[0] == '/')
    state = given;
  else if (const char* home = std::getenv("HOME"); home && home[0] == '/')
    state = std::filesystem::path(home) / ".local" / "state";
  else
    return {};
  std::error_code e;
  std::filesystem::create_directories(state, e);
  const auto directory = state / "cascade";
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return {};
  const auto file = directory / "console_history";
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return {};
  ::fchmod(fd, 0600);
  ::close(fd);
  return file;
}

bool colours() { return ::isatty(STDOUT_FILENO) && !std::getenv("NO_COLOR"); }

console_exit run_prompt(console_connection& connection, bool with_json) {
  // The node must be there before anybody types.
  if (!connection.ask("help", false)) {
    std::cerr << "error: " << connection.why() << std::endl;
    return console_exit::unreachable;
  }
  const auto history = history_file();
  using_history();
  stifle_history(history_lines_max);
  if (!history.empty()) read_history(history.c_str());
  completion.connection = &connection;
  rl_attempted_completion_function = complete;
  // \1 and \2 enclose what takes no room on the screen.
  const char* prompt = colours() ? "\1\033[1m\2cascade>\1\033[0m\2 " : "cascade> ";
  auto worst = console_exit::fine;
  std::string last;
  while (std::unique_ptr<char, free_deleter> typed{::readline(prompt)}) {
    const std::string line = typed.get();
    if (line.find_first_not_of(" \t") == std::string::npos) continue;
    if (line == "quit" || line == "exit") break;
    if (line != last) add_history(line.c_str());
    last = line;
    worst = run_console_command(connection, line, with_json, std::cout, std::cerr);
  }
  completion.connection = nullptr;
  if (!history.empty()) {
    write_history(history.c_str());
    ::chmod(history.c_str(), 0600);
  }
  return worst == console_exit::unreachable ? worst : console_exit::fine;
}

}  // namespace

int run_console(const console_client_options& options) {
  console_connection connection(options.socket, options.timeout);
  auto end = console_exit::fine;
  if (options.command)
    end = run_console_command(connection, *options.command, options.json, std::cout, std::cerr);
  else if (::isatty(STDIN_FILENO) && ::isatty(STDOUT_FILENO))
    end = run_prompt(connection, options.json);
  else
    end = run_console_commands(connection, std::cin, options.json, std::cout, std::cerr);
  return static_cast<int>(end);
}

}  // namespace cascade
