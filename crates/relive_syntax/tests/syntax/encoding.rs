//! Text in the encoding of its file.

use relive_syntax::{decode, encode};

#[test]
fn what_is_encoded_is_decoded_again() {
    let text = "x = 'aä'\n";
    for head in [
        "",
        "# coding: utf-8\n",
        "# -*- coding: latin-1 -*-\n",
        "#!/usr/bin/env python\n# vim: set fileencoding=cp1252 :\n",
        "# coding: iso8859-15\n",
    ] {
        let mut file = head.as_bytes().to_vec();
        file.extend(encode(text, head.as_bytes()).unwrap());
        assert_eq!(decode(&file).unwrap(), format!("{head}{text}"), "{head}");
    }
    let mark = b"\xef\xbb\xbfx = 1\n";
    assert_eq!(encode(text, mark).unwrap(), text.as_bytes());
}

#[test]
fn what_an_encoding_does_not_have_is_named() {
    let refused = |head: &str, text: &str| encode(text, head.as_bytes()).unwrap_err().message;
    assert_eq!(
        refused("# coding: latin-1\n", "x = 'ab€'"),
        "'€' cannot be written in latin-1, which the file declares"
    );
    assert_eq!(
        refused("# coding: ascii\n", "ä"),
        "'ä' cannot be written in ascii, which the file declares"
    );
    assert_eq!(
        refused("# coding: koi8-r\n", "x = 'Юä'"),
        "'ä' cannot be written in koi8-r, which the file declares"
    );
    assert_eq!(
        refused("# coding: klingon\n", "x"),
        "unknown encoding klingon"
    );
    assert_eq!(
        refused("# coding: utf-16\n", "x"),
        "nothing can be written in utf-16"
    );
}
