#include <iostream>

#include "cli/context.hpp"

int main(int argc, char** argv) {
  return cascade::run_cascade(argc, argv, std::cin, std::cout, std::cerr);
}
