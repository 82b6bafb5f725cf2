//! What the bytes of a file show of its form: protobuf fields, texts, entries of archives.

/// A protobuf field: its number, and its content where it has a length.
pub struct Field<'a> {
    pub number: u64,
    pub content: Option<&'a [u8]>,
    /// What follows it.
    pub rest: &'a [u8],
    /// Bytes of the content that are missing at the end.
    pub missing: u64,
}

/// The field at the front. `None` where there is none.
pub fn field(bytes: &[u8]) -> Option<Field<'_>> {
    let (tag, rest) = varint(bytes)?;
    let number = tag >> 3;
    let skipped = |count: usize| rest.get(count..).map(|rest| Field { number, content: None, rest, missing: 0 });
    match tag & 7 {
        _ if number == 0 => None,
        0 => varint(rest).map(|(_, rest)| Field { number, content: None, rest, missing: 0 }),
        1 => skipped(8),
        2 => {
            let (length, rest) = varint(rest)?;
            let here = usize::try_from(length).unwrap_or(usize::MAX).min(rest.len());
            let missing = length - here as u64;
            Some(Field { number, content: Some(&rest[..here]), rest: &rest[here..], missing })
        }
        5 => skipped(4),
        _ => None,
    }
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0u64;
    for (at, &byte) in bytes.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7F) << (7 * at);
        if byte < 0x80 {
            return Some((value, &bytes[at + 1..]));
        }
    }
    None
}

/// The highest field of a model in ONNX's file format is 26; a length beyond this is no length.
const MAX_FIELD: u64 = 26;
const MAX_MISSING_BYTES: u64 = 1 << 40;

/// How many bytes of the last field are missing, when all others are fields of an ONNX model.
pub fn missing_at_end(bytes: &[u8]) -> Option<u64> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let next = field(rest).filter(|next| next.number <= MAX_FIELD)?;
        if next.missing > 0 {
            return Some(next.missing).filter(|&missing| missing < MAX_MISSING_BYTES);
        }
        rest = next.rest;
    }
    None
}

/// True for text in UTF-8; a character may be cut off at the end.
pub fn is_text(bytes: &[u8]) -> bool {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(cut) if cut.error_len().is_none() => std::str::from_utf8(&bytes[..cut.valid_up_to()]).unwrap_or_default(),
        Err(_) => return false,
    };
    !text.is_empty()
        && !text.chars().any(|character| character.is_control() && !matches!(character, '\n' | '\r' | '\t'))
}

/// A name as programs have it, such as that of a module or an operator.
pub fn is_name(bytes: &[u8]) -> bool {
    let inside = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'/' | b':' | b'-');
    !bytes.is_empty() && bytes.iter().all(inside)
}

/// The name of the first entry of a `.zip`.
pub fn first_zip_entry(bytes: &[u8]) -> Option<&[u8]> {
    let length = u16::from_le_bytes(bytes.strip_prefix(b"PK\x03\x04")?.get(22..24)?.try_into().ok()?);
    bytes.get(30..30 + usize::from(length))
}
