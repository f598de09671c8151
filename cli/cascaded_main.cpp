#include "cli/daemon.hpp"

int main(int argc, char** argv) {
  cascade::handler_registry handlers;
  return cascade::daemon_main(argc, argv, handlers);
}
