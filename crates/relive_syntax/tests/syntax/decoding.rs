//! The bytes of a source file to text, as CPython reads them.

use relive_syntax::decode;

/// Files that are read, and the text in them.
fn check(cases: &[(&[u8], &str)]) {
    for (bytes, text) in cases {
        let shown = String::from_utf8_lossy(bytes);
        match decode(bytes) {
            Ok(decoded) => assert_eq!(decoded, *text, "{shown:?}"),
            Err(error) => panic!("{shown:?}: {}", error.message),
        }
    }
}

/// Files that are refused, and what their user is told.
fn check_refused(cases: &[(&[u8], &str)]) {
    for (bytes, message) in cases {
        let shown = String::from_utf8_lossy(bytes);
        match decode(bytes) {
            Ok(text) => panic!("{shown:?} was read as {text:?}"),
            Err(error) => assert_eq!(error.message, *message, "{shown:?}"),
        }
    }
}

#[test]
fn utf8() {
    check(&[
        (b"", ""),
        (b"X = 1\n", "X = 1\n"),
        ("X = 'äöü€😀'\n".as_bytes(), "X = 'äöü€😀'\n"),
        (b"\xef\xbb\xbfX = 1\n", "X = 1\n"),
        (b"\xef\xbb\xbf", ""),
        (
            b"\xef\xbb\xbf# coding: utf-8\nX = '\xc3\xa4'\n",
            "# coding: utf-8\nX = 'ä'\n",
        ),
        // Only the first mark is one.
        (b"\xef\xbb\xbf\xef\xbb\xbf", "\u{feff}"),
        (
            b"# coding: utf-8\nX = '\xc3\xa4'\n",
            "# coding: utf-8\nX = 'ä'\n",
        ),
        (
            b"# coding: UTF8\nX = '\xc3\xa4'\n",
            "# coding: UTF8\nX = 'ä'\n",
        ),
        (
            b"# coding: utf_8\nX = '\xc3\xa4'\n",
            "# coding: utf_8\nX = 'ä'\n",
        ),
    ]);
    let no_utf8 = "the file is not valid UTF-8 and declares no other encoding";
    check_refused(&[
        (b"X = '\xe4'\n", no_utf8),
        (b"X = '\xc3'\n", no_utf8),
        (b"\xff\xfeX\x00", no_utf8),
        // Surrogates have no UTF-8 form.
        (b"X = '\xed\xa0\x80'\n", no_utf8),
        (b"# coding: utf-8\nX = '\xe4'\n", no_utf8),
    ]);
}

#[test]
fn line_ends() {
    check(&[
        (b"a\r\nb\r\n", "a\nb\n"),
        (b"a\rb\r", "a\nb\n"),
        (b"a\r\r\nb\n\r", "a\n\nb\n\n"),
        (b"X = '''\r\n'''\r\n", "X = '''\n'''\n"),
        (b"X = '\\\r\n'", "X = '\\\n'"),
        (
            "a\u{85}\u{2028}b\x0bc\x0c".as_bytes(),
            "a\u{85}\u{2028}b\x0bc\x0c",
        ),
    ]);
}

#[test]
fn cookies() {
    check(&[
        (
            b"# -*- coding: latin-1 -*-\nX = '\xe4'\n",
            "# -*- coding: latin-1 -*-\nX = 'ä'\n",
        ),
        (
            b"# vim: set fileencoding=latin-1 :\n'\xe4'",
            "# vim: set fileencoding=latin-1 :\n'ä'",
        ),
        (b"#coding=latin-1\n'\xe4'", "#coding=latin-1\n'ä'"),
        (b"#coding:latin-1\n'\xe4'", "#coding:latin-1\n'ä'"),
        (b"#coding: \t latin-1\n'\xe4'", "#coding: \t latin-1\n'ä'"),
        (b"# coding: LATIN-1\n'\xe4'", "# coding: LATIN-1\n'ä'"),
        (
            b" \t\x0c# coding: latin-1\n'\xe4'",
            " \t\x0c# coding: latin-1\n'ä'",
        ),
        (
            b"#!/usr/bin/python\n# coding: latin-1\n'\xe4'",
            "#!/usr/bin/python\n# coding: latin-1\n'ä'",
        ),
        (b"\n# coding: latin-1\n'\xe4'", "\n# coding: latin-1\n'ä'"),
        (
            b" \t\n# coding: latin-1\n'\xe4'",
            " \t\n# coding: latin-1\n'ä'",
        ),
        (
            b"\r\n# coding: latin-1\r\n'\xe4'",
            "\n# coding: latin-1\n'ä'",
        ),
        (b"# coding: latin-1", "# coding: latin-1"),
    ]);
}

#[test]
fn what_is_no_cookie() {
    let no_utf8 = "the file is not valid UTF-8 and declares no other encoding";
    check_refused(&[
        (b"\n\n# coding: latin-1\n'\xe4'", no_utf8),
        (b"X = 1\n# coding: latin-1\n'\xe4'", no_utf8),
        (b"X = 1 # coding: latin-1\n'\xe4'", no_utf8),
        (b"'# coding: latin-1'\n'\xe4'", no_utf8),
        (b"# coding latin-1\n'\xe4'", no_utf8),
        (b"# coding : latin-1\n'\xe4'", no_utf8),
        (b"# Coding: latin-1\n'\xe4'", no_utf8),
        (b"# coding:\n'\xe4'", no_utf8),
    ]);
}

#[test]
fn encodings() {
    let upper: Vec<u8> = (0x80..=0xff).collect();
    for label in [
        "latin-1",
        "iso-8859-1",
        "iso-latin-1",
        "latin1",
        "iso8859-1",
        "ISO-8859-1",
    ] {
        let mut bytes = format!("# coding: {label}\n# ").into_bytes();
        bytes.extend(&upper);
        let text = decode(&bytes).unwrap();
        let comment: Vec<char> = text
            .lines()
            .nth(1)
            .unwrap_or_default()
            .chars()
            .skip(2)
            .collect();
        // U+0085 and the others of the first 32 stay what they are; in windows-1252 they would be quotes and dashes.
        assert_eq!(
            comment,
            (0x80..=0xff_u8).map(char::from).collect::<Vec<_>>(),
            "{label}"
        );
    }
    check(&[
        (b"# coding: cp1252\n'\x80'", "# coding: cp1252\n'€'"),
        (
            b"# coding: iso-8859-15\n'\xa4'",
            "# coding: iso-8859-15\n'€'",
        ),
        (b"# coding: koi8-r\n'\xc1'", "# coding: koi8-r\n'а'"),
        (b"# coding: cp1251\n'\xe0'", "# coding: cp1251\n'а'"),
        (
            b"# coding: shift_jis\n'\x82\xa0'",
            "# coding: shift_jis\n'あ'",
        ),
        (b"# coding: euc-jp\n'\xa4\xa2'", "# coding: euc-jp\n'あ'"),
        (b"# coding: gbk\n'\xc4\xe3'", "# coding: gbk\n'你'"),
        (b"# coding: big5\n'\xa7\x41'", "# coding: big5\n'你'"),
        (b"# coding: ascii\nX = 1", "# coding: ascii\nX = 1"),
    ]);
}

#[test]
fn what_cannot_be_read_is_said() {
    check_refused(&[
        (b"# coding: klingon\nX = 1", "unknown encoding klingon"),
        (
            b"# coding: shift_jis\n'\x82'",
            "the file is not valid shift-jis",
        ),
        (b"# coding: gbk\n'\xff\xff'", "the file is not valid gbk"),
        (
            b"\xef\xbb\xbf# coding: latin-1\nX = 1",
            "the file begins with a UTF-8 mark but declares the encoding latin-1",
        ),
    ]);
}

/// Editors write cookies with line ends in them, and Python takes underscores for hyphens.
#[test]
fn names_of_encodings_as_python_reads_them() {
    for label in [
        "utf-8-unix",
        "utf-8-dos",
        "utf-8-sig",
        "utf_8",
        "latin-1-unix",
        "latin_1",
        "iso_8859_1",
        "l1",
    ] {
        let bytes = format!("# coding: {label}\nX = 1");
        assert_eq!(decode(bytes.as_bytes()).as_deref(), Ok(&*bytes), "{label}");
    }
    check(&[
        (
            b"\xef\xbb\xbf# coding: utf-8-sig\nX = 1",
            "# coding: utf-8-sig\nX = 1",
        ),
        (
            b"# coding: latin-1-unix\n'\xe4'",
            "# coding: latin-1-unix\n'ä'",
        ),
        // The word alone is no cookie yet.
        (
            b"# encoding of this text, coding: latin-1\n'\xe4'",
            "# encoding of this text, coding: latin-1\n'ä'",
        ),
    ]);
    assert!(decode(b"# coding: ascii\n'\xe4'").is_err());
}
