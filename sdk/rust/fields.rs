//! Reads single members of a JSON object without a crate: the rules of `trellis/fields.h`. Copy this file into your
//! project, or use a JSON crate.
#![allow(dead_code)]

use crate::abi::{Failure, DECODE};

const MAX_DEPTH: usize = 64;

struct Scan<'a> {
    text: &'a str,
    at: usize,
}

fn bad() -> Failure {
    Failure::new(DECODE, "not one JSON object")
}

impl<'a> Scan<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }
    fn expect(&mut self, byte: u8) -> Result<(), Failure> {
        self.space();
        if self.peek() != Some(byte) {
            return Err(bad());
        }
        self.at += 1;
        Ok(())
    }
    fn hex(&mut self) -> Result<u32, Failure> {
        let digits = self.text.get(self.at..self.at + 4).ok_or_else(bad)?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(bad());
        }
        self.at += 4;
        u32::from_str_radix(digits, 16).map_err(|_| bad())
    }
    fn escape(&mut self, out: &mut String) -> Result<(), Failure> {
        let byte = self.peek().ok_or_else(bad)?;
        self.at += 1;
        match byte {
            b'"' | b'\\' | b'/' => out.push(byte as char),
            b'b' => out.push('\u{8}'),
            b'f' => out.push('\u{c}'),
            b'n' => out.push('\n'),
            b'r' => out.push('\r'),
            b't' => out.push('\t'),
            b'u' => {
                let mut code = self.hex()?;
                if (0xD800..0xDC00).contains(&code) && self.text[self.at..].starts_with("\\u") {
                    let back = self.at;
                    self.at += 2;
                    let low = self.hex()?;
                    if (0xDC00..0xE000).contains(&low) {
                        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
                    } else {
                        self.at = back;
                    }
                }
                out.push(char::from_u32(code).unwrap_or('\u{FFFD}'));
            }
            _ => return Err(bad()),
        }
        Ok(())
    }
    fn string(&mut self) -> Result<String, Failure> {
        self.expect(b'"')?;
        let mut out = String::new();
        loop {
            let c = self.text[self.at..].chars().next().ok_or_else(bad)?;
            self.at += c.len_utf8();
            match c {
                '"' => return Ok(out),
                '\\' => self.escape(&mut out)?,
                c if (c as u32) < 0x20 => return Err(bad()),
                c => out.push(c),
            }
        }
    }
    fn skip(&mut self, depth: usize) -> Result<(), Failure> {
        self.space();
        match self.peek().ok_or_else(bad)? {
            b'"' => self.string().map(|_| ()),
            b'{' | b'[' if depth == MAX_DEPTH => Err(bad()),
            b'{' => self.members(depth, &mut |_, _| ()),
            b'[' => self.elements(depth),
            _ => self.word(),
        }
    }
    fn word(&mut self) -> Result<(), Failure> {
        let from = self.at;
        while matches!(self.peek(), Some(b) if b.is_ascii_alphanumeric() || b"+-.".contains(&b)) {
            self.at += 1;
        }
        let word = &self.text[from..self.at];
        let number = word.bytes().any(|b| b.is_ascii_digit()) && word.parse::<f64>().is_ok();
        if number || ["true", "false", "null"].contains(&word) { Ok(()) } else { Err(bad()) }
    }
    fn elements(&mut self, depth: usize) -> Result<(), Failure> {
        self.at += 1;
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.skip(depth + 1)?;
            self.space();
            self.at += 1;
            match self.text.as_bytes().get(self.at - 1) {
                Some(b',') => continue,
                Some(b']') => return Ok(()),
                _ => return Err(bad()),
            }
        }
    }
    fn members(&mut self, depth: usize, each: &mut dyn FnMut(&str, &'a str)) -> Result<(), Failure> {
        self.expect(b'{')?;
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.space();
            let key = self.string()?;
            self.expect(b':')?;
            self.space();
            let from = self.at;
            self.skip(depth + 1)?;
            each(&key, &self.text[from..self.at]);
            self.space();
            self.at += 1;
            match self.text.as_bytes().get(self.at - 1) {
                Some(b',') => continue,
                Some(b'}') => return Ok(()),
                _ => return Err(bad()),
            }
        }
    }
}

/// The raw value of member `name`; None when it is missing or null.
pub fn field<'a>(data: &'a str, name: &str) -> Result<Option<&'a str>, Failure> {
    let mut scan = Scan { text: data, at: 0 };
    let mut found: Option<(bool, &str)> = None;
    scan.members(0, &mut |key, value| {
        let exact = key == name;
        if exact || (key.eq_ignore_ascii_case(name) && !matches!(found, Some((true, _)))) {
            found = Some((exact, value));
        }
    })?;
    scan.space();
    if scan.at != data.len() {
        return Err(bad());
    }
    Ok(found.map(|(_, value)| value).filter(|value| *value != "null"))
}

/// Text member `name`; "" when it is missing or null.
pub fn text(data: &str, name: &str) -> Result<String, Failure> {
    match field(data, name)? {
        None => Ok(String::new()),
        Some(value) => Scan { text: value, at: 0 }
            .string()
            .map_err(|_| Failure::new(DECODE, format!("{}: expected a string", name))),
    }
}

/// Member `name`, a whole number; `missing` when it is missing or null.
pub fn number(data: &str, name: &str, missing: u64) -> Result<u64, Failure> {
    match field(data, name)? {
        None => Ok(missing),
        Some(value) => {
            value.parse().map_err(|_| Failure::new(DECODE, format!("{}: expected a whole number", name)))
        }
    }
}
