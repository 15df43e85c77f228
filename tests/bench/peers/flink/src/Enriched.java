/** An event with what the person's state says of it; it goes from the function to the chained sink. */
public class Enriched {
    public Event event;
    public PersonState state;
}
