/* Reads single members of a JSON object, for plugins in C. No memory is taken; nesting costs none
 * either.
 *
 *   char color[64];
 *   int got = trl_field_text(data, "color", color, sizeof color);   // 1 found, 0 not there or
 * null, < 0 a status
 *
 * The rules are those of the C++ SDK: the exact key wins over one that differs only in case, the
 * last of two equal keys counts, unknown keys are passed over, a member of another type is
 * TRL_DECODE. */
#ifndef TRELLIS_FIELDS_H
#define TRELLIS_FIELDS_H

#include <trellis/abi.h>

#include <string.h>

#define TRL_FIELD_DEPTH 64 /* of nesting; deeper is TRL_DECODE */

typedef struct trl_scan_ {
  const char *at, *end;
} trl_scan_;

static inline void trl_scan_space_(trl_scan_* s) {
  while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r'))
    s->at++;
}

static inline int trl_scan_hex_(trl_scan_* s, uint32_t* out) {
  uint32_t value = 0;
  int i;
  for (i = 0; i < 4; i++) {
    char c = s->at < s->end ? *s->at++ : 0;
    uint32_t digit;
    if (c >= '0' && c <= '9')
      digit = (uint32_t)(c - '0');
    else if (c >= 'a' && c <= 'f')
      digit = (uint32_t)(c - 'a') + 10;
    else if (c >= 'A' && c <= 'F')
      digit = (uint32_t)(c - 'A') + 10;
    else
      return TRL_DECODE;
    value = value * 16 + digit;
  }
  *out = value;
  return TRL_OK;
}

/* One code point as UTF-8 to out[*n...]; what is past `room` is counted only. */
static inline void trl_scan_put_(uint32_t c, char* out, size_t room, size_t* n) {
  char bytes[4];
  size_t count, i;
  if (c < 0x80) {
    bytes[0] = (char)c;
    count = 1;
  } else if (c < 0x800) {
    bytes[0] = (char)(0xC0 | (c >> 6));
    bytes[1] = (char)(0x80 | (c & 63));
    count = 2;
  } else if (c < 0x10000) {
    bytes[0] = (char)(0xE0 | (c >> 12));
    bytes[1] = (char)(0x80 | ((c >> 6) & 63));
    bytes[2] = (char)(0x80 | (c & 63));
    count = 3;
  } else {
    bytes[0] = (char)(0xF0 | (c >> 18));
    bytes[1] = (char)(0x80 | ((c >> 12) & 63));
    bytes[2] = (char)(0x80 | ((c >> 6) & 63));
    bytes[3] = (char)(0x80 | (c & 63));
    count = 4;
  }
  for (i = 0; i < count; i++, (*n)++)
    if (*n < room) out[*n] = bytes[i];
}

static inline int trl_scan_escape_(trl_scan_* s, char* out, size_t room, size_t* n) {
  static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
  char c = s->at < s->end ? *s->at++ : 0;
  const char* found = c == 0 ? NULL : strchr(from, c);
  uint32_t high, low;
  if (found != NULL) {
    trl_scan_put_((uint32_t)(unsigned char)to[found - from], out, room, n);
    return TRL_OK;
  }
  if (c != 'u' || trl_scan_hex_(s, &high) < 0) return TRL_DECODE;
  if (high >= 0xD800 && high < 0xDC00 && s->end - s->at >= 6 && s->at[0] == '\\' &&
      s->at[1] == 'u') {
    trl_scan_ ahead = {s->at + 2, s->end};
    if (trl_scan_hex_(&ahead, &low) == TRL_OK && low >= 0xDC00 && low < 0xE000) {
      s->at = ahead.at;
      high = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
    }
  }
  if (high >= 0xD800 && high < 0xE000) high = 0xFFFD; /* half of a pair */
  trl_scan_put_(high, out, room, n);
  return TRL_OK;
}

/* A string: decoded to out, *n = its whole length, also when that is more than `room`. */
static inline int trl_scan_text_(trl_scan_* s, char* out, size_t room, size_t* n) {
  *n = 0;
  if (s->at >= s->end || *s->at != '"') return TRL_DECODE;
  for (s->at++; s->at < s->end;) {
    unsigned char c = (unsigned char)*s->at++;
    if (c == '"') return TRL_OK;
    if (c < 0x20) return TRL_DECODE;
    if (c == '\\') {
      if (trl_scan_escape_(s, out, room, n) < 0) return TRL_DECODE;
    } else {
      if (*n < room) out[*n] = (char)c;
      (*n)++;
    }
  }
  return TRL_DECODE;
}

static inline int trl_scan_word_(trl_scan_* s) { /* number, true, false, null */
  static const char* const words[] = {"true", "false", "null"};
  const char* from = s->at;
  size_t length, i, digits = 0;
  while (s->at < s->end && strchr(",:]}[{\" \t\r\n", *s->at) == NULL)
    s->at++;
  length = (size_t)(s->at - from);
  for (i = 0; i < 3; i++)
    if (length == strlen(words[i]) && memcmp(from, words[i], length) == 0) return TRL_OK;
  for (i = 0; i < length; i++) {
    if (memchr("+-.eE0123456789", from[i], 15) == NULL) return TRL_DECODE;
    digits += from[i] >= '0' && from[i] <= '9';
  }
  return digits > 0 ? TRL_OK : TRL_DECODE;
}

/* Over one value, whose nesting needs one bit per level. */
static inline int trl_scan_skip_(trl_scan_* s) {
  uint64_t objects = 0; /* bit n: level n is an object */
  int depth = 0, value = 1;
  size_t unused;
  for (;;) {
    trl_scan_space_(s);
    if (s->at >= s->end) return TRL_DECODE;
    if (value) {
      if (*s->at == '{' || *s->at == '[') {
        int object = *s->at == '{';
        if (depth == TRL_FIELD_DEPTH) return TRL_DECODE;
        objects = object ? objects | (UINT64_C(1) << depth) : objects & ~(UINT64_C(1) << depth);
        depth++;
        s->at++;
        trl_scan_space_(s);
        if (s->at < s->end && *s->at == (object ? '}' : ']')) {
          s->at++;
          depth--;
          value = 0;
        } else if (object)
          goto key;
        else
          continue;
      } else {
        int status = *s->at == '"' ? trl_scan_text_(s, NULL, 0, &unused) : trl_scan_word_(s);
        if (status < 0) return status;
        value = 0;
      }
      if (depth == 0) return TRL_OK;
      continue;
    }
    {
      int object = (objects >> (depth - 1)) & 1;
      char c = *s->at++;
      if (c == (object ? '}' : ']')) {
        if (--depth == 0) return TRL_OK;
        continue;
      }
      if (c != ',') return TRL_DECODE;
      value = 1;
      if (!object) continue;
    }
  key:
    trl_scan_space_(s);
    if (trl_scan_text_(s, NULL, 0, &unused) < 0) return TRL_DECODE;
    trl_scan_space_(s);
    if (s->at >= s->end || *s->at++ != ':') return TRL_DECODE;
  }
}

static inline int trl_scan_same_(const char* key, size_t size, const char* name, int* exact) {
  size_t i;
  if (size != strlen(name)) return 0;
  *exact = memcmp(key, name, size) == 0;
  for (i = 0; i < size; i++) {
    char a = key[i], b = name[i];
    if (a >= 'A' && a <= 'Z') a = (char)(a - 'A' + 'a');
    if (b >= 'A' && b <= 'Z') b = (char)(b - 'A' + 'a');
    if (a != b) return 0;
  }
  return 1;
}

/* The raw bytes of member `name`: 1 found, 0 not there, TRL_DECODE when `data` is not one JSON
 * object. With name NULL it only checks that. */
static inline int trl_field(trl_bytes data, const char* name, trl_bytes* value) {
  trl_scan_ s = {data.data, data.data + data.size};
  char key[256];
  int found = 0, first = 1, exact_found = 0;
  if (data.size == 0) return TRL_DECODE;
  trl_scan_space_(&s);
  if (s.at >= s.end || *s.at++ != '{') return TRL_DECODE;
  for (;; first = 0) {
    size_t size;
    int exact = 0;
    const char* from;
    trl_scan_space_(&s);
    if (s.at < s.end && *s.at == '}' && first) break;
    if (trl_scan_text_(&s, key, sizeof key, &size) < 0) return TRL_DECODE;
    trl_scan_space_(&s);
    if (s.at >= s.end || *s.at++ != ':') return TRL_DECODE;
    trl_scan_space_(&s);
    from = s.at;
    if (trl_scan_skip_(&s) < 0) return TRL_DECODE;
    if (name != NULL && size <= sizeof key && trl_scan_same_(key, size, name, &exact) &&
        (exact || !exact_found)) {
      value->data = from;
      value->size = (size_t)(s.at - from);
      found = 1;
      exact_found = exact;
    }
    trl_scan_space_(&s);
    if (s.at < s.end && *s.at == ',') {
      s.at++;
      continue;
    }
    break;
  }
  if (s.at >= s.end || *s.at++ != '}') return TRL_DECODE;
  trl_scan_space_(&s);
  return s.at == s.end ? found : TRL_DECODE;
}

/* Text member `name`, NUL-terminated in out[room]: 1 found, 0 not there or null (out = ""),
 * TRL_DECODE of another type or with a NUL in it, TRL_EXHAUSTED when it does not fit. */
static inline int trl_field_text(trl_bytes data, const char* name, char* out, size_t room) {
  trl_bytes value = {NULL, 0};
  trl_scan_ s;
  size_t size;
  int found = trl_field(data, name, &value);
  out[0] = 0;
  if (found <= 0 || (value.size == 4 && memcmp(value.data, "null", 4) == 0))
    return found < 0 ? found : 0;
  s.at = value.data;
  s.end = value.data + value.size;
  if (trl_scan_text_(&s, out, room, &size) < 0) {
    out[0] = 0;
    return TRL_DECODE;
  }
  if (size >= room) {
    out[0] = 0;
    return TRL_EXHAUSTED;
  }
  out[size] = 0;
  if (strlen(out) != size) {
    out[0] = 0;
    return TRL_DECODE;
  }
  return 1;
}

/* Member `name`, a whole number from 0 to `max`: 1 found, 0 not there or null (out unchanged), else
 * TRL_DECODE. */
static inline int trl_field_uint(trl_bytes data, const char* name, uint64_t max, uint64_t* out) {
  trl_bytes value = {NULL, 0};
  uint64_t number = 0;
  size_t i;
  int found = trl_field(data, name, &value);
  if (found <= 0 || (value.size == 4 && memcmp(value.data, "null", 4) == 0))
    return found < 0 ? found : 0;
  if (value.data[0] == '0' && value.size > 1) return TRL_DECODE;
  for (i = 0; i < value.size; i++) {
    uint64_t digit = (uint64_t)(unsigned char)(value.data[i] - '0');
    if (value.data[i] < '0' || value.data[i] > '9' || digit > max || number > (max - digit) / 10)
      return TRL_DECODE;
    number = number * 10 + digit;
  }
  *out = number;
  return 1;
}

#endif /* TRELLIS_FIELDS_H */
