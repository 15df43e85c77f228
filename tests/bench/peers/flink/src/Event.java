/** One input record. The names are those of the JSON fields. */
public class Event {
    public String id;
    public String person;
    public long at;
    public String type;
    public String channel;
    public String campaign;
    public String url;
    public String referrer;
    public String agent;
}
