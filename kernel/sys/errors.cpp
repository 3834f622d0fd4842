#include "kernel/sys/errors.hpp"

#include <cerrno>
#include <system_error>

namespace trellis::sys {

Code ClassOf(int number) {
  switch (number) {
    case ENOENT:
    case ESRCH:
    case ENODEV:
    case ENXIO:
      return Code::kNotFound;
    case EEXIST:
      return Code::kExists;
    case EACCES:
    case EPERM:
    case EROFS:
      return Code::kDenied;
    case EINVAL:
    case ENAMETOOLONG:
    case ENOTDIR:
    case EISDIR:
      return Code::kInvalid;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return Code::kExhausted;
    case EBUSY:
    case EAGAIN:
    case ETXTBSY:
      return Code::kBusy;
    case ETIMEDOUT:
      return Code::kTimeout;
    case ECONNREFUSED:
    case ECONNRESET:
    case EPIPE:
    case ENETUNREACH:
    case EHOSTUNREACH:
      return Code::kUnavailable;
    case ENOSYS:
    case EOPNOTSUPP:
      return Code::kUnsupported;
    default:
      return Code::kIo;
  }
}

tl::unexpected<Error> Fail(std::string_view verb, std::string_view name) {
  return FailWith(errno, verb, name);
}

tl::unexpected<Error> FailWith(int number, std::string_view verb, std::string_view name) {
  return trellis::Fail(ClassOf(number), "{} '{}': {}", verb, name,
                       std::generic_category().message(number));
}

}  // namespace trellis::sys
