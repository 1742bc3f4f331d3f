//! `LICENSES.md`: under which terms each source's figures stand, and the words to say with them.

use crate::source::Source;
use std::fmt::Write as _;

const HEAD: &str = "# Licences of the figures in this folder

The program is under the licence in the project's root. The figures are not: each source has its own terms, below,
and whoever passes figures on says the words under *Credit*. Written by `vigie extract` from the declarations in
`services/ingest/src/sources/`; a test refuses a source whose terms do not allow it to be here.

What was changed: the publishers' tables were reduced to places, dates and values that this platform shows, cut
into changes from one issue to the next, and written in one format ([the figures](../docs/data.md)).
";

pub(super) fn page(sources: &[&Source]) -> String {
    let mut page = HEAD.to_owned();
    for s in sources {
        // Writing into a String cannot fail.
        let _ = write!(
            page,
            "\n## {}\n\n{}, *{}*: <{}>\n\n- Licence: {} (<{}>)\n- Credit: {}\n- Issue time: {}\n",
            s.id, s.publisher, s.title, s.page_url, s.licence, s.licence_url, s.credit, s.issue_time
        );
    }
    page
}
