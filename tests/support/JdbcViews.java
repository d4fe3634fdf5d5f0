// What a reporting tool sees over JDBC: a line for each view, its comment, how
// many of its columns have one, and rows or the SQLSTATE of reading it.
import java.sql.*;

class JdbcViews {
    static int countCommented(DatabaseMetaData about, String schema,
                              String name) throws SQLException {
        int commented = 0;
        try (ResultSet c = about.getColumns(null, schema, name, "%")) {
            while (c.next())
                if (c.getString("REMARKS") != null)
                    commented++;
        }
        return commented;
    }

    static String read(Connection to, String schema, String name) {
        try (Statement s = to.createStatement();
             ResultSet r = s.executeQuery("SELECT * FROM " + schema + "."
                                          + name + " LIMIT 3")) {
            int columns = r.getMetaData().getColumnCount(), rows = 0;
            while (r.next()) {
                for (int i = 1; i <= columns; i++)
                    r.getObject(i);
                rows++;
            }
            return columns + "\t" + rows;
        } catch (SQLException e) {
            return "-1\t" + e.getSQLState();
        }
    }

    public static void main(String[] urls) throws SQLException {
        for (String url : urls)
            try (Connection to = DriverManager.getConnection(url)) {
                DatabaseMetaData about = to.getMetaData();
                try (ResultSet t = about.getTables(null, "callhook%", "%",
                        new String[] {"VIEW", "TABLE"})) {
                    while (t.next()) {
                        String schema = t.getString("TABLE_SCHEM");
                        String name = t.getString("TABLE_NAME");
                        System.out.println(String.join("\t", schema, name,
                            String.valueOf(t.getString("REMARKS") != null),
                            String.valueOf(countCommented(about, schema,
                                                          name)),
                            read(to, schema, name)));
                    }
                }
            }
    }
}
