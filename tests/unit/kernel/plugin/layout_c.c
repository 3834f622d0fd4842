/* The layout as a C compiler sees it: the number of lines of the table that are wrong. */
#include <trellis/abi.h>

int LayoutErrorsInC(void);

int LayoutErrorsInC(void) {
  int wrong = 0;
#define X(type, bytes) wrong += sizeof(type) != (bytes);
#define Y(type, member, at) wrong += offsetof(type, member) != (at);
#include "layout_table.h"
#undef X
#undef Y
  return wrong;
}
