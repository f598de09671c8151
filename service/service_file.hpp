// service/service_file.hpp
//
// DIR/service.json: how the CLI finds the service of a data directory. Replaced atomically,
// readable by the owner only.
#pragma once

#include <filesystem>
#include <string>

#include "state/ids.hpp"

namespace cascade {

struct service_record {
  std::string state;     // starting, standby, ready, stopping, stopped
  std::string conninfo;  // never with a password
  std::string console;   // path of the socket
  std::string node;
  epoch_id epoch;
};

// Returns why it could not be written, or an empty text.
std::string write_service_file(const std::filesystem::path& data_dir, const service_record& record);

}  // namespace cascade
